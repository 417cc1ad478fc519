"""Approving and refusing: who may decide about what, and what is pushed then."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher import placing, recording, releases, releasing
from components.pusher.releases import Event
from tests.components.pusher.exports import export, served
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]
SAID = {"by": "Ann", "reason": "looked at 50 photographs"}


def hold(folder: Path, version: str, *, served: str = "") -> Path:
    """Holds a model as Pusher does."""
    place = export(folder / "held" / version, version)
    recording.append(
        str(folder),
        Event(
            event=releases.HELD,
            version=version,
            model=f"/models/{version}",
            run_id="night",
            more={"digest": placing.digest(str(place)), "export": version, "served": served},
        ),
    )
    return place


def push(folder: Path, version: str) -> None:
    export(folder / version, version)
    recording.append(str(folder), Event(event=releases.PUSHED, version=version))


def states(folder: Path) -> dict[str, str]:
    return {r.version: r.state for r in releases.read(str(folder)).releases}


def test_the_held_bytes_are_pushed_and_the_decision_kept(tmp_path: Path) -> None:
    push(tmp_path, "1")
    before = placing.digest(str(hold(tmp_path, "2", served="1")))
    (tmp_path / "held/2/MODEL_CARD.md").write_text("# card")
    decided = releasing.approve(str(tmp_path), "2", **SAID)
    assert (decided.served, decided.notes) == ("2", ())
    assert served(tmp_path) == ["1", "2"] and (tmp_path / "2/MODEL_CARD.md").exists()
    assert placing.digest(str(tmp_path / "2")) == before
    approved, pushed = releases.read(str(tmp_path)).events[-2:]
    assert (approved.event, approved.by, approved.reason) == ("approved", *SAID.values())
    assert (pushed.event, pushed.model, pushed.run_id) == ("pushed", "/models/2", "night")
    assert pushed.more["export"] == "2"


def test_latest_is_the_newest_and_an_older_one_then_needs_a_word(tmp_path: Path) -> None:
    hold(tmp_path, "2")
    hold(tmp_path, "3")
    assert releasing.approve(str(tmp_path), "latest", **SAID).version == "3"
    with pytest.raises(BadInputError, match=r"version 2 was held before version 3 .*--as-newest"):
        releasing.approve(str(tmp_path), "2", **SAID)
    assert states(tmp_path) == {"2": "held", "3": "pushed"}
    decided = releasing.approve(str(tmp_path), "2", **SAID, as_newest=True)
    assert int(decided.served) > 3 and f"as version {decided.served}" in decided.message
    assert states(tmp_path) == {"3": "pushed", decided.served: "pushed"}
    assert not releases.read(str(tmp_path)).held


def test_whoever_approves_hears_that_another_version_was_served_then(tmp_path: Path) -> None:
    push(tmp_path, "1")
    hold(tmp_path, "5", served="4")
    (note,) = releasing.approve(str(tmp_path), "5", **SAID).notes
    assert "version 4 was served" in note and "version 1" in note


def test_other_bytes_than_those_judged_are_not_pushed(tmp_path: Path) -> None:
    place = hold(tmp_path, "2")
    (place / "variables/variables.data-00000-of-00001").write_text("other values")
    with pytest.raises(BadInputError, match="is not what was judged"):
        releasing.approve(str(tmp_path), "2", **SAID)
    assert served(tmp_path) == [] and states(tmp_path) == {"2": "held"}


def test_a_held_model_without_files_is_named(tmp_path: Path) -> None:
    placing.delete(str(hold(tmp_path, "2")))
    with pytest.raises(BadInputError, match=r"files of version 2 are gone .*Run the task again"):
        releasing.approve(str(tmp_path), "2", **SAID)


def test_the_same_decision_again_changes_nothing(tmp_path: Path) -> None:
    hold(tmp_path, "1")
    hold(tmp_path, "2")
    releasing.approve(str(tmp_path), "latest", **SAID)
    count = len(releases.read(str(tmp_path)).events)
    for version in ("2", "latest"):
        assert "already pushed by Ann" in releasing.approve(str(tmp_path), version, **SAID).message
    assert len(releases.read(str(tmp_path)).events) == count
    with pytest.raises(BadInputError, match=r"already\. To serve the version before it"):
        releasing.refuse(str(tmp_path), "2", **SAID)


def test_a_refusal_may_be_taken_back(tmp_path: Path) -> None:
    hold(tmp_path, "2")
    releasing.refuse(str(tmp_path), "2", **SAID)
    assert (tmp_path / "withdrawn/2").exists() and states(tmp_path) == {"2": "refused"}
    assert "already refused by Ann" in releasing.refuse(str(tmp_path), "latest", **SAID).message
    releasing.approve(str(tmp_path), "2", by="Bob", reason="looked again")
    assert served(tmp_path) == ["2"] and states(tmp_path) == {"2": "pushed"}


@pytest.mark.parametrize("version", ["9", "x", "latest", "-1", "²"])
def test_what_is_not_held_is_refused_with_what_is(tmp_path: Path, version: str) -> None:
    push(tmp_path, "1")
    with pytest.raises(BadInputError, match=rf"--approve: VERSION .*held: none.*{version}"):
        releasing.approve(str(tmp_path), version, **SAID)
    with pytest.raises(BadInputError, match="--refuse: VERSION must be one that is held"):
        releasing.refuse(str(tmp_path), "1", **SAID)


@pytest.mark.parametrize("missing", ["by", "reason"])
def test_a_decision_has_a_name_and_a_reason(tmp_path: Path, missing: str) -> None:
    hold(tmp_path, "2")
    for decide in (releasing.approve, releasing.refuse):
        with pytest.raises(BadInputError, match=f"--{missing} must say"):
            decide(str(tmp_path), "2", **{**SAID, missing: " "})
    assert states(tmp_path) == {"2": "held"}


def test_deciding_takes_neither_tensorflow_nor_tfx() -> None:
    program = (
        "import sys; from components.pusher import releasing, rolling_back; "
        "print([m for m in ('tensorflow', 'tfx', 'apache_beam') if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"
