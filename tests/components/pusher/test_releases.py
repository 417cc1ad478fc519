"""The record of versions: what it says after crashes, by hands, and in other places."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher import recording, releases
from components.pusher.releases import Event
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]


def record(folder: Path, *events: tuple[str, str, str]) -> releases.Record:
    made = (Event(event=event, version=version, model=model) for event, version, model in events)
    recording.append(str(folder), *made)
    return releases.read(str(folder))


def test_a_folder_without_a_record_has_nothing_in_it(tmp_path: Path) -> None:
    read = releases.read(str(tmp_path / "absent"))
    assert read == releases.Record() and not read.exists and not read.passed_over


def test_every_version_is_in_its_last_state(tmp_path: Path) -> None:
    read = record(
        tmp_path,
        *(("pushed", "1", "m1"), ("pushed", "2", "m2"), ("held", "3", "m3"), ("held", "4", "m4")),
        *(("approved", "3", "m3"), ("refused", "4", "m4"), ("held", "5", "m5")),
        *(("rolled_back", "1", "m1"), ("withdrawn", "2", "m2"), ("removed", "2", "m2")),
    )
    states = {release.version: release.state for release in read.releases}
    assert states == {
        **{"1": "pushed", "2": "withdrawn", "3": "approved", "4": "refused", "5": "held"}
    }
    assert [r.version for r in read.standing] == ["1"]
    assert [r.version for r in read.held] == ["3", "5"]
    assert read.passed_over == {"m2", "m3", "m4", "m5"}
    withdrawn = read.of_version("0002")
    assert withdrawn is not None and withdrawn.removed and withdrawn.model == "m2"


def test_a_restored_version_stands_again(tmp_path: Path) -> None:
    read = record(
        tmp_path,
        *(("pushed", "1", "m1"), ("pushed", "2", "m2")),
        *(("rolled_back", "1", "m1"), ("withdrawn", "2", "m2"), ("rolled_back", "2", "m2")),
    )
    assert [r.version for r in read.standing] == ["1", "2"] and not read.passed_over


def test_a_model_that_stands_under_another_version_is_not_passed_over(tmp_path: Path) -> None:
    events = (("pushed", "1", "a"), ("pushed", "2", "b"), ("pushed", "3", "a"))
    read = record(tmp_path, *events, ("withdrawn", "3", "a"))
    assert not read.passed_over
    newest = read.of_model("a")
    assert newest is not None and newest.state == "withdrawn"


def test_a_model_is_known_by_its_export_wherever_it_lies(tmp_path: Path) -> None:
    recording.append(
        str(tmp_path), Event(event="held", version="7", model="old", more={"export": "x"})
    )
    read = releases.read(str(tmp_path))
    assert read.of_model("new", "x") and not read.of_model("new", "y") and not read.of_model("new")


def test_a_torn_last_line_is_told_and_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path, ("pushed", "1", "m1"))
    file = tmp_path / "releases.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"time": "2026-11-21T03:00')
    read = releases.read(str(tmp_path))
    assert read.torn == '{"time": "2026-11-21T03:00' and [e.version for e in read.events] == ["1"]
    assert "torn line" in caplog.text
    after = record(tmp_path, ("pushed", "2", "m2"))
    assert [e.version for e in after.events] == ["1", "2"] and not after.torn
    assert file.read_bytes().startswith(whole)


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    record(tmp_path, ("pushed", "1", "m1"))
    file = tmp_path / "releases.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    assert len(releases.read(str(tmp_path)).events) == 1
    assert len(record(tmp_path, ("pushed", "2", "m2")).events) == 2


@pytest.mark.parametrize("line", ["no json", '["a"]', '{"event": "pushed", "version": "x"}'])
def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, line: str) -> None:
    record(tmp_path, ("pushed", "1", "m1"))
    file = tmp_path / "releases.jsonl"
    file.write_text(f"{file.read_text()}{line}\n{file.read_text()}")
    with pytest.raises(BadInputError, match=r"releases\.jsonl, line 2, must be a JSON object"):
        releases.read(str(tmp_path))


def test_unknown_fields_and_events_are_kept(tmp_path: Path) -> None:
    line = {"event": "sung_about", "version": "1", "time": "t", "melody": [1, 2]}
    (tmp_path / "releases.jsonl").write_text(json.dumps(line) + "\n")
    (event,) = releases.read(str(tmp_path)).events
    assert event.more == {"melody": [1, 2]}
    assert json.loads(event.line)["melody"] == [1, 2]
    assert not releases.read(str(tmp_path)).standing


def test_times_are_in_utc_and_texts_stay_readable(tmp_path: Path) -> None:
    recording.append(str(tmp_path), Event(event="refused", version="1", by="Zoë", reason="a\nb"))
    text = (tmp_path / "releases.jsonl").read_text(encoding="utf-8")
    assert text.count("\n") == 1 and "Zoë" in text
    assert json.loads(text)["time"].endswith("+00:00")


def test_reading_is_cheap() -> None:
    program = (
        "import sys; from components.pusher import releases; releases.read('/nowhere'); "
        "print([m for m in ('tensorflow', 'tfx', 'apache_beam') if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"
