"""Rolling back: which version is served then, and which can be."""

from pathlib import Path

import pytest

from components.pusher import recording, releases
from components.pusher.releases import Event
from components.pusher.rolling_back import rollback
from tests.components.pusher.exports import export, served
from trainer_modules.engine.errors import BadInputError

SAID = {"by": "Ann", "reason": "wrong dishes"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Versions 1 to 4 are served."""
    for version in "1234":
        export(tmp_path / version, version)
        event = Event(event=releases.PUSHED, version=version, model=f"/models/{version}")
        recording.append(str(tmp_path), event)
    return tmp_path


def test_the_version_before_is_served_again(folder: Path) -> None:
    decided = rollback(str(folder), **SAID)
    assert (decided.version, decided.served, decided.withdrawn) == ("3", "3", ("4",))
    assert served(folder) == ["1", "2", "3"] and (folder / "withdrawn/4/saved_model.pb").exists()
    back, withdrawn = releases.read(str(folder)).events[-2:]
    assert (back.event, back.version, back.model) == ("rolled_back", "3", "/models/3")
    assert (withdrawn.event, withdrawn.version, withdrawn.model) == ("withdrawn", "4", "/models/4")
    assert back.by == withdrawn.by == "Ann" and back.reason == withdrawn.reason == SAID["reason"]
    assert releases.read(str(folder)).passed_over == {"/models/4"}


def test_the_same_words_again_go_no_further_back_but_others_do(folder: Path) -> None:
    rollback(str(folder), **SAID)
    assert "already" in rollback(str(folder), **SAID).message and served(folder)[-1] == "3"
    rollback(str(folder), by="Ann", reason="3 is as bad")
    assert served(folder) == ["1", "2"]


def test_further_back_and_forward_again(folder: Path) -> None:
    assert rollback(str(folder), "1", **SAID).withdrawn == ("2", "3", "4")
    assert served(folder) == ["1"]
    restored = rollback(str(folder), "3", by="Bob", reason="it was not the model")
    assert restored.served == "3" and restored.withdrawn == ()
    assert served(folder) == ["1", "3"]
    assert releases.read(str(folder)).passed_over == {"/models/2", "/models/4"}
    # Restored, and older than the one that is served.
    assert rollback(str(folder), "2", **SAID).withdrawn == ("3",)
    assert served(folder) == ["1", "2"]
    assert "served already" in rollback(str(folder), "2", **SAID).message


def test_versions_from_before_the_record(folder: Path) -> None:
    (folder / "releases.jsonl").unlink()
    rollback(str(folder), **SAID)
    states = {r.version: r.state for r in releases.read(str(folder)).releases}
    assert states == {"3": "pushed", "4": "withdrawn"}


def test_leading_zeros_and_incomplete_versions(tmp_path: Path) -> None:
    for name in ("0007", "8"):
        export(tmp_path / name, name)
    (tmp_path / "9").mkdir()
    assert rollback(str(tmp_path), "7", **SAID).served == "0007"
    assert (tmp_path / "withdrawn/8").exists() and (tmp_path / "9").exists()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("9", r"VERSION must be one in .*served: 4, 3, 2, 1; withdrawn: none.*Received: 9"),
        ("x", "VERSION must be one in"),
        ("latest", "VERSION must be one in"),
        ("6", r"never served: it is held\. Use --approve"),
        ("5", r"files of version 5 were removed \(--keep 4\)"),
    ],
)
def test_what_cannot_be_served_is_named(folder: Path, version: str, message: str) -> None:
    for event, number in (("pushed", "5"), ("removed", "5"), ("held", "6")):
        reason = "--keep 4" if event == "removed" else ""
        recording.append(str(folder), Event(event=event, version=number, reason=reason))
    with pytest.raises(BadInputError, match=message):
        rollback(str(folder), version, **SAID)
    assert served(folder) == ["1", "2", "3", "4"]


def test_there_is_nothing_before_the_first(tmp_path: Path) -> None:
    for expected in ("the first", "1"):
        with pytest.raises(BadInputError, match=f"no version before {expected} in"):
            rollback(str(tmp_path), **SAID)
        export(tmp_path / "1", "1") if not (tmp_path / "1").exists() else None


def test_in_a_bucket(folder: Path) -> None:
    """TensorFlow's in-memory file system stands for any that cannot rename a folder at once."""
    import tensorflow as tf

    bucket = f"ram://{folder.parent.name}-{folder.name}"
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            place = f"{bucket}/{path.relative_to(folder)}"
            tf.io.gfile.makedirs(place.rpartition("/")[0])
            tf.io.gfile.copy(str(path), place)
    assert rollback(bucket, **SAID).served == "3"
    assert tf.io.gfile.exists(f"{bucket}/withdrawn/4/saved_model.pb")
    assert not tf.io.gfile.exists(f"{bucket}/4/saved_model.pb")
    assert rollback(bucket, "4", **SAID).served == "4"
    assert releases.read(bucket).passed_over == frozenset()
