"""The nights of a root: whole, broken, interrupted, running, and somebody else's folders."""

import json
import os
import time
from pathlib import Path

import pytest

from components.pusher import releases
from components.pusher.releases import Event
from pipelines.local import locking
from pipelines.local.history import reading, summarised
from tests.pipelines.local.history import roots
from trainer_modules.engine.errors import BadInputError


def _read(root: Path, name: str = "digits") -> reading.Record:
    return reading.read(reading.look(str(root), name))


def _log(root: Path, number: int) -> None:
    folder = root / "digits" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{roots.run_id(number)}.log").write_text("…")


def test_names_are_folders_of_runs_alone(tmp_path: Path) -> None:
    roots.archive(tmp_path, "digits", roots.summary(0))
    for other in ("serving/digits/1", "data/x", "photos/runs/monday", "notes", ".hidden/runs/x"):
        (tmp_path / other).mkdir(parents=True)
    (tmp_path / "index.html").write_text("")
    (tmp_path / ".hidden/runs/x/summary.json").write_text("{}")
    assert reading.names(str(tmp_path)) == ["digits"]
    assert reading.names(str(tmp_path / "nowhere")) == []


def test_nights_come_in_order_with_their_reports(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        roots.archive(tmp_path, "digits", roots.summary(number), report=number == 1)
    nights = _read(tmp_path).nights
    assert [night.run_id for night in nights] == [roots.run_id(n) for n in range(3)]
    assert [night.report for night in nights] == [
        "",
        f"digits/runs/{roots.run_id(1)}/report.html",
        "",
    ]
    os.unlink(tmp_path / nights[1].report)
    assert not any(night.report for night in _read(tmp_path).nights), "a link that would be dead"


@pytest.mark.parametrize("broken", ["", "{", "[]", "{}", '{"status": "pushed", "metrics": 3}'])
def test_a_broken_summary_is_one_night_that_says_so(tmp_path: Path, broken: str) -> None:
    roots.archive(tmp_path, "digits", roots.summary(0))
    folder = roots.archive(tmp_path, "digits", broken)
    good, bad = _read(tmp_path).nights
    assert good.status == "pushed"
    assert bad.status == "unreadable" and str(folder / "summary.json") in bad.error


def test_a_log_without_a_summary_is_a_night_that_was_interrupted_or_runs(tmp_path: Path) -> None:
    roots.archive(tmp_path, "digits", roots.summary(1))
    for number in (0, 1, 2):
        _log(tmp_path, number)
    assert [n.status for n in _read(tmp_path).nights] == ["interrupted", "pushed", "interrupted"]
    with locking.held(str(tmp_path / "digits")):
        assert [n.status for n in _read(tmp_path).nights] == ["interrupted", "pushed", "running"]
    # What a killed run leaves.
    record = tmp_path / "digits" / locking.HOLDER
    record.write_text("{}")
    os.utime(record, (time.time() - 90,) * 2)
    assert _read(tmp_path).nights[-1].status == "interrupted"


def test_a_summary_is_read_once_unless_it_or_the_code_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        roots.archive(tmp_path, "digits", roots.summary(number))
    first = _read(tmp_path)
    read = []
    original = summarised.from_summary
    monkeypatch.setattr(summarised, "from_summary", lambda i, s: read.append(i) or original(i, s))
    assert _read(tmp_path) == first and read == []
    changed = tmp_path / "digits" / "runs" / roots.run_id(1) / "summary.json"
    changed.write_text(json.dumps(roots.summary(1, status="not_blessed")))
    assert _read(tmp_path).nights[1].status == "not_blessed" and read == [roots.run_id(1)]
    (tmp_path / "digits" / reading.CACHE).write_text("torn {")
    assert len(_read(tmp_path).nights) == 3 and len(read) == 4
    monkeypatch.setattr(reading, "_code", lambda: "edited")
    assert len(_read(tmp_path).nights) == 3 and len(read) == 7


def test_what_is_served_and_released(tmp_path: Path) -> None:
    roots.archive(tmp_path, "digits", roots.summary(0))
    served = tmp_path / "serving" / "digits"
    for version in ("100", "99"):
        (served / version / "variables").mkdir(parents=True)
        (served / version / "saved_model.pb").write_text("")
        (served / version / "variables/variables.index").write_text("")
        (served / version / "variables/variables.data-00000-of-00001").write_text("")
    (served / "101").mkdir()
    event = Event(event=releases.PUSHED, version="100", time="2024-01-01T03:00:00+00:00")
    (served / releases.RECORD).write_text(event.line)
    record = _read(tmp_path)
    assert record.champion == "100" and record.events == (event,) and record.problem == ""
    (served / releases.RECORD).write_text("no json\n" + event.line)
    record = _read(tmp_path)
    assert record.events == () and "line 1" in record.problem and len(record.nights) == 1


def test_the_stamp_changes_with_everything_that_is_shown(tmp_path: Path) -> None:
    roots.archive(tmp_path, "digits", roots.summary(0))
    stamps = [reading.look(str(tmp_path), "digits").stamp]

    def changed() -> bool:
        stamps.append(reading.look(str(tmp_path), "digits").stamp)
        return stamps[-1] != stamps[-2]

    assert not changed()
    folder = roots.archive(tmp_path, "digits", roots.summary(1), report=True)
    assert changed()
    (folder / "report.html").unlink()
    assert changed()
    _log(tmp_path, 2)
    assert changed()
    (tmp_path / "serving/digits").mkdir(parents=True)
    (tmp_path / "serving/digits" / releases.RECORD).write_text("")
    assert changed()


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no runs under"):
        reading.find(str(tmp_path), "digits")
    for name in ("digits", "mnist-b"):
        roots.archive(tmp_path, name, roots.summary(0))
    assert reading.find(str(tmp_path), "mnist:b").name == "mnist-b"
    with pytest.raises(BadInputError, match="one of digits, mnist-b.*did you mean 'digits'"):
        reading.find(str(tmp_path), "digit")
