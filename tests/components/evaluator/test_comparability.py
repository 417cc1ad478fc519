"""Whether two SavedModels can be compared, told by their signatures and classes."""

from pathlib import Path

import pytest

from components.evaluator.comparability import NO_BASELINE, decide


def export(folder: Path, classes: tuple[str, ...] = (), output: str = "probabilities") -> str:
    import tensorflow as tf

    width = max(1, len(classes))
    module = tf.Module()
    module.answer = tf.function(
        lambda examples: {output: tf.zeros((tf.size(examples), width))},
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")],
    )
    tf.saved_model.save(module, str(folder), signatures={"examples": module.answer})
    if classes:
        (folder / "assets").mkdir(exist_ok=True)
        text = "".join(f"{name}\n" for name in classes)
        (folder / "assets/classes.txt").write_text(text, encoding="utf-8")
    return str(folder)


def test_the_same_classes_are_compared_as_they_are(tmp_path: Path) -> None:
    new = export(tmp_path / "new", ("a", "b"))
    old = export(tmp_path / "old", ("a", "b"))
    found = decide(new, old)
    assert (found.used, found.uri, found.former) == (True, old, ())
    assert (found.added, found.removed) == ((), ())


def test_other_classes_are_compared_on_those_that_both_know(tmp_path: Path) -> None:
    new = export(tmp_path / "new", ("a", "b", "new"))
    old = export(tmp_path / "old", ("gone", "b", "a"))
    found = decide(new, old)
    assert found.used and found.former == ("gone", "b", "a")
    assert (found.added, found.removed) == (("new",), ("gone",))
    for part in ("on the 2 classes", "new added", "gone removed"):
        assert part in found.reason


def test_another_order_counts_as_other_classes(tmp_path: Path) -> None:
    found = decide(export(tmp_path / "n", ("a", "b")), export(tmp_path / "o", ("b", "a")))
    assert found.used and found.former == ("b", "a") and not found.added + found.removed


@pytest.mark.parametrize(
    ("old", "output", "why"),
    [
        (("x", "y"), "probabilities", "none of its classes (x, y) is among this model's"),
        (("a", "b"), "value", "returns value float32"),
    ],
)
def test_what_cannot_be_compared_says_why(
    tmp_path: Path, old: tuple[str, ...], output: str, why: str
) -> None:
    new = export(tmp_path / "new", ("a", "b"))
    found = decide(new, export(tmp_path / "old", old, output))
    assert not found.used and why in found.reason


def test_predictions_without_names_need_the_same_classes(tmp_path: Path) -> None:
    new = export(tmp_path / "new", ("a", "b"), "mask_png")
    found = decide(new, export(tmp_path / "old", ("b", "a"), "mask_png"))
    assert not found.used and "cannot be matched by name" in found.reason


def test_no_baseline_itself_and_a_damaged_one(tmp_path: Path) -> None:
    new, old = export(tmp_path / "new", ("a",)), export(tmp_path / "old", ("a",))
    assert decide(new, None).reason == NO_BASELINE
    assert "this model itself" in decide(new, f"{new}/").reason
    Path(old, "saved_model.pb").write_bytes(b"torn, and no protobuf")
    damaged = decide(new, old)
    assert not damaged.used and "can no longer be read" in damaged.reason
