"""How numbers and names look on the page."""

from typing import Any

import pytest

from components.report import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.0000"),
        (1.0, "1.0000"),
        (2.0, "2"),
        (1234567.0, "1,234,567"),
        (1234.56, "1,234.6"),
        (12.3456, "12.35"),
        (0.91237, "0.9124"),
        (-0.5, "-0.5000"),
        (0.00012, "1.20e-04"),
    ],
)
def test_a_metrics_value(value: float | None, text: str) -> None:
    assert figures.figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01234, "+0.0123"),
        (-0.01234, "−0.0123"),
        (0.00004, "±0"),
        (-3.0, "−3"),
        (1e-4, "+1.00e-04"),
    ],
)
def test_a_difference_has_its_sign(value: float, text: str) -> None:
    assert figures.signed(value) == text


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (None, ""),
        ({"by": 0.25, "good": True}, '<span class="delta better" title="better">+0.2500</span>'),
        ({"by": 0.25, "good": False}, '<span class="delta worse" title="worse">+0.2500</span>'),
        ({"by": 0.0, "good": None}, '<span class="delta even" title="even">±0</span>'),
    ],
)
def test_a_difference_is_coloured_by_whether_it_is_good(
    change: dict[str, Any] | None, shown: str
) -> None:
    assert str(figures.delta(change)) == shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((None, "–"), (0.04, "0.0 s"), (89.94, "89.9 s"), (90.0, "1 min 30 s")),
        *((119.6, "2 min 0 s"), (5399.0, "89 min 59 s"), (5400.0, "1 h 30 min")),
        (100_000.0, "27 h 46 min"),
    ],
)
def test_a_duration(seconds: float | None, text: str) -> None:
    assert figures.took(seconds) == text


def test_quantities() -> None:
    assert [figures.number(v) for v in (None, 0.44143, 1234567.0)] == ["–", "0.4414", "1.235e+06"]
    assert [figures.count(v) for v in (None, 1234567.0)] == ["–", "1,234,567"]
    assert [figures.percent(v) for v in (None, 0.1234)] == ["–", "12.3%"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("top_5_accuracy", "top 5 accuracy"),
        ("macro_f1", "macro F1"),
        ("val_mean_iou", "validation mean IoU"),
        ("r2", "R²"),
    ],
)
def test_a_metric_in_words(name: str, words: str) -> None:
    assert figures.words(name) == words


@pytest.mark.parametrize(
    ("trainable", "text"),
    [
        ("Last(layers=8)", "last layers=8"),
        ("Everything()", "everything"),
        ("FrozenBase()", "frozen base"),
        ("head", "head"),
    ],
)
def test_what_a_phase_trains(trainable: str, text: str) -> None:
    assert figures.learns(trainable) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Train/00012/00003_00021.png", ["Train/", "00012/", "00003_", "00021.png"]),
        ("Speed limit (60 km/h)", ["Speed limit (60 km/h)"]),
        ("train.augment.flip", ["train.", "augment.flip"]),
        ("Right-of-way", ["Right-of-", "way"]),
        ("<b>&", ["&lt;b&gt;&amp;"]),
    ],
)
def test_names_wrap_at_their_joints(text: str, pieces: list[str]) -> None:
    assert str(figures.with_break_points(text)).split("<wbr>") == pieces


def test_a_class_shows_both_names_and_neither_is_markup() -> None:
    display = {"00": "<i>20 km/h</i>", "01": "01"}
    assert str(figures.class_name("00", display)) == (
        '<bdi>&lt;i&gt;20 km/h&lt;/i&gt;</bdi> <bdi class="key">00</bdi>'
    )
    assert str(figures.class_name("01", display)) == "<bdi>01</bdi>"
    assert str(figures.class_name("ورد", display)) == "<bdi>ورد</bdi>"
