"""How numbers and names look on the page: Jinja filters."""

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

_WORDS = {
    "f1": "F1",
    "auc": "AUC",
    "iou": "IoU",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "val": "validation",
}


def figure(value: Any) -> str:
    """Returns a metric's value: four significant decimals, thousands grouped, – for none."""
    if value is None:
        return "–"
    number = float(value)
    if number == int(number) and abs(number) >= 2:
        return f"{int(number):,}"
    if abs(number) >= 1000:
        return f"{number:,.1f}"
    if number and abs(number) < 1e-3:
        return f"{number:.2e}"
    return f"{number:.4f}" if abs(number) < 10 else f"{number:.2f}"


def number(value: Any) -> str:
    """Returns a measured quantity with at most four significant digits."""
    return "–" if value is None else f"{float(value):,.4g}"


def count(value: Any) -> str:
    """Returns a whole number with thousands grouped."""
    return "–" if value is None else f"{int(value):,}"


def percent(value: Any) -> str:
    """Returns a fraction as a percentage."""
    return "–" if value is None else f"{float(value):.1%}"


def signed(value: float) -> str:
    """Returns a difference with its sign, using the typographic minus."""
    if abs(value) < 5e-5:
        return "±0"
    return ("+" if value > 0 else "−") + figure(abs(value))


def delta(change: dict[str, Any] | None) -> Markup:
    """Returns a difference as a coloured `<span>`; nothing where there is none."""
    if change is None:
        return Markup("")
    tone = {True: "better", False: "worse", None: "even"}[change["good"]]
    return Markup('<span class="delta {}" title="{}">{}</span>').format(
        tone, tone, signed(change["by"])
    )


def words(name: str) -> str:
    """Returns a metric's name in words: `top_5_accuracy` → `top 5 accuracy`."""
    return " ".join(_WORDS.get(part, part) for part in name.split("_"))


def with_break_points(text: Any) -> Markup:
    """Returns text that may wrap after separators such as `/`, `_` and `-`.

    Not before a short ending: `km/h` and a file name with its extension stay together.
    """
    parts = re.split(r"(?<=[/\\_,:;=&?-])(?=[^\s/\\_,:;=&?-]{3})|(?<=\.)(?=\w{5})", str(text))
    return Markup("<wbr>").join(parts)


def class_name(label: str, display: Mapping[str, str]) -> Markup:
    """Returns a class's display name and its real name; either may be written right to left."""
    shown = Markup("<bdi>{}</bdi>").format(with_break_points(display.get(label, label)))
    if display.get(label, label) == label:
        return shown
    return shown + Markup(' <bdi class="key">{}</bdi>').format(with_break_points(label))


def learns(trainable: str) -> str:
    """Returns what a phase trains, as text: `Last(layers=8)` → `last layers=8`."""
    text = trainable.replace("()", "").replace("(", " ").replace(")", "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()


def took(seconds: float | None) -> str:
    """Returns a duration."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 90 else f"{minutes} min {rest} s"


FILTERS = {
    "figure": figure,
    "number": number,
    "count": count,
    "percent": percent,
    "signed": signed,
    "delta": delta,
    "words": words,
    "breakable": with_break_points,
    "learns": learns,
    "took": took,
}
