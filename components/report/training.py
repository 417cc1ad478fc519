"""How the model was trained: curves, settings, the network itself."""

from collections.abc import Iterator
from typing import Any

from components.report import charts
from components.report.figures import learns, words
from components.report.material import Material

_NOT_QUANTITIES = ("epoch", "phase", "seconds", "learning_rate")


def curves(material: Material) -> dict[str, Any] | None:
    """Loss and metrics over the epochs, with the start of each phase."""
    epochs = material.history.get("epochs") or []
    if not epochs:
        return None
    numbers = [row["epoch"] for row in epochs]
    names = dict.fromkeys(
        name.removeprefix("val_") for row in epochs for name in row if name not in _NOT_QUANTITIES
    )
    watched = str(material.history.get("monitor", ""))
    monitor = watched.removeprefix("val_")
    ordered = sorted(names, key=lambda name: (name != "loss", name != monitor))
    marks = _marks(material.history)
    best = material.history.get("best_epoch")
    drawn = [
        charts.curves(
            words(name),
            numbers,
            [
                (title, [row.get(key) for row in epochs])
                for title, key in (("training", name), ("validation", f"val_{name}"))
                if any(row.get(key) is not None for row in epochs)
            ],
            marks=marks,
            best=best,
        )
        for name in ordered[:4]
    ]
    rates = [row.get("learning_rate") for row in epochs]
    known = [rate for rate in rates if rate is not None]
    if len(set(known)) > 1:
        log = min(known) > 0 and max(known) / min(known) > 20
        drawn.append(
            charts.curves("learning rate", numbers, [("rate", rates)], marks=marks, log=log)
        )
    columns = list(dict.fromkeys(key for row in epochs for key in row))
    return {
        "charts": drawn,
        "columns": columns,
        "epochs": epochs,
        "best_epoch": best,
        "exported_epoch": material.history.get("exported_epoch"),
        "monitor": "validation " * (watched != monitor) + words(monitor),
        "fine_tuning": _starts(material.history),
        "placement": material.history.get("placement"),
        "started": started(material.history),
    }


def started(history: dict[str, Any]) -> str:
    """Returns what a training started from, in words; "" where nothing but scratch was asked for.

    Args:
      history: Trainer's, whose `start` says it.
    """
    start = history.get("start")
    if not start:
        return ""
    if start["reason"]:
        return f"started from scratch: {start['reason']}"
    origins = {"scratch": "scratch", "champion": "the last model"}
    which = f" ({start['model']})" if start["from"] == "champion" else ""
    said = [f"started from {origins[start['from']]}{which}"]
    for change, names in (("new", start.get("added")), ("vanished", start.get("removed"))):
        if names and start["from"] == "champion":
            said.append(f"{change} classes {', '.join(names)}")
    if scores := dict(start.get("compared") or {}):
        metric = scores.pop("metric")
        each = (f"{score:.4g} from {origins[name]}" for name, score in scores.items())
        said.append(f"validation {metric} {', '.join(each)}")
    return "; ".join(said)


def _marks(history: dict[str, Any]) -> list[tuple[float, str]]:
    """Returns where each phase after the first starts, between two epochs' points, and its number.

    What each phase trains would not fit into a chart with many phases; the text below it says so.
    """
    phases = list(enumerate(history.get("phases") or [], start=1))
    return [(phase["first_epoch"] - 0.5, f"phase {number}") for number, phase in phases[1:]]


def _starts(history: dict[str, Any]) -> list[str]:
    """Returns a few words on each phase after the first."""
    starts = []
    for number, phase in enumerate(history.get("phases") or [], start=1):
        if number == 1:
            continue
        trainable = f", fine-tuning: {learns(phase['trainable'])}" if phase.get("trainable") else ""
        starts.append(f"phase {number} from epoch {phase['first_epoch']}{trainable}")
    return starts


def settings(material: Material) -> dict[str, Any]:
    """Every value of the task under the key that `--set` takes."""
    shown = {
        key: value
        for key, value in material.task.items()
        if key not in ("type", "name", "gates", "source")
    }
    return {"rows": list(flat("", shown)), "source": list(flat("", material.task.get("source")))}


def flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yields (key, value) pairs under the keys that `--set` takes."""
    if isinstance(value, dict):
        if "type" in value and prefix:
            yield prefix, value["type"].rpartition(".")[2]
        for key, inner in value.items():
            if key != "type":
                yield from flat(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
        for i, inner in enumerate(value):
            yield from flat(f"{prefix}.{i}", inner)
    elif isinstance(value, list):
        shown = ", ".join(map(str, value[:12]))
        yield prefix, f"{shown}, … ({len(value)} in all)" if len(value) > 12 else shown
    else:
        yield prefix, "–" if value is None or value == "" else str(value)


def model(material: Material) -> dict[str, Any] | None:
    """The network's summary and the layers that each phase trained."""
    if not material.model_summary:
        return None
    return {
        "summary": material.model_summary,
        "phases": material.history.get("phases") or [],
        "placement": material.history.get("placement"),
    }
