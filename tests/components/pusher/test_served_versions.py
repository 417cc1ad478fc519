"""The version to compare a candidate with, and whether it is the candidate itself."""

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("tfx_ready")


def export(folder: Path, fingerprint: bytes, classes: str = "ab") -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "assets/classes.txt").write_text("".join(f"{name}\n" for name in classes))
    (folder / "assets/task.json").write_text('{"type": "Recipe", "name": "t"}')
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "fingerprint.pb").write_bytes(fingerprint)
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (folder / "variables" / name).write_bytes(b"values")
    return folder


def test_a_copy_is_the_same_export_whatever_lies_beside_it(tmp_path: Path) -> None:
    from components.pusher.served_versions import same_export

    model = export(tmp_path / "model", b"one")
    pushed = Path(shutil.copytree(model, tmp_path / "7"))
    (pushed / "MODEL_CARD.md").write_text("card")
    # Pusher completes the recipe to the whole task.
    (pushed / "assets/task.json").write_text('{"type": "Task", "name": "t", "gates": []}')
    assert same_export(str(pushed), str(model))


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index", "fingerprint.pb"])
def test_a_torn_or_missing_file_makes_it_none(tmp_path: Path, file: str) -> None:
    from components.pusher.served_versions import same_export

    model = export(tmp_path / "model", b"one")
    pushed = Path(shutil.copytree(model, tmp_path / "7"))
    (pushed / file).write_bytes(b"x")
    assert not same_export(str(pushed), str(model))
    (pushed / file).unlink()
    assert not same_export(str(pushed), str(model))


def test_an_export_without_a_fingerprint_is_like_no_other(tmp_path: Path) -> None:
    from components.pusher.served_versions import same_export

    model = export(tmp_path / "model", b"")
    assert not same_export(str(shutil.copytree(model, tmp_path / "7")), str(model))


@pytest.mark.parametrize(
    ("candidate", "baseline"), [("ab", "3"), ("ba", "3"), ("cd", "4"), ("ax", "4"), ("pq", "4")]
)
def test_the_newest_of_the_most_similar_classes(
    tmp_path: Path, candidate: str, baseline: str
) -> None:
    from components.pusher.served_versions import newest_but

    export(tmp_path / "model/Format-Serving", b"new", candidate)
    for version, classes in (("1", "ab"), ("3", "ab"), ("4", "ac")):
        export(tmp_path / "served" / version, version.encode(), classes)
    (tmp_path / "served/9").mkdir()
    found = newest_but(str(tmp_path / "model"), str(tmp_path / "served"))
    assert found == str(tmp_path / "served" / baseline)
    # Pushed by now: what it was compared with stays what it is compared with.
    shutil.copytree(tmp_path / "model/Format-Serving", tmp_path / "served/10")
    assert newest_but(str(tmp_path / "model"), str(tmp_path / "served")) == found


def test_nothing_served_is_nothing_to_compare_with(tmp_path: Path) -> None:
    from components.pusher.served_versions import newest_but

    export(tmp_path / "model/Format-Serving", b"new")
    assert newest_but(str(tmp_path / "model"), str(tmp_path / "nowhere")) is None
