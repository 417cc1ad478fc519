"""Freeing disk: what goes, what stays, and how it ends after a crash."""

import os
from pathlib import Path
from typing import Any

import pytest

from components.pusher import releases
from components.pusher.releases import Event
from tests.pipelines.local.history import roots


@pytest.fixture(scope="module")
def freeing(tfx_ready: Any) -> Any:
    from pipelines.local.housekeeping import freeing

    return freeing


@pytest.fixture
def nights(tmp_path: Path, tfx_ready: Any) -> Any:
    from tests.pipelines.local.housekeeping.nightly_root import Nights

    return Nights(tmp_path)


def _collect(freeing: Any, nights: Any, keep: int) -> Any:
    planned = freeing.plan(nights.config, keep)
    freeing.free(nights.config, planned)
    return planned


def _archive(nights: Any, number: int) -> list[str]:
    return sorted(os.listdir(Path(nights.config.folder, "runs", roots.run_id(number))))


def test_files_and_records_go_together(freeing: Any, nights: Any) -> None:
    for number in range(4):
        nights.night(number, blessed=False)
    before = nights.there()
    planned = _collect(freeing, nights, 2)
    assert (planned.kept, planned.dropped) == (2, 2)
    assert nights.there() == nights.live() and len(nights.there()) == len(before) / 2
    assert planned.sizes["Trainer"] == 4000 and planned.sizes["logs"] == 2000
    assert not list(Path(nights.config.artifacts_folder).glob("*/.system/*/*"))
    assert freeing.plan(nights.config, 2).total == 0


def test_a_plan_changes_nothing(freeing: Any, nights: Any) -> None:
    for number in range(3):
        nights.night(number)
    before = nights.there(), nights.live(), _archive(nights, 0)
    assert freeing.plan(nights.config, 1).total > 0
    assert (nights.there(), nights.live(), _archive(nights, 0)) == before


def test_earlier_archives_keep_what_the_history_shows(freeing: Any, nights: Any) -> None:
    for number in range(3):
        nights.night(number, blessed=number == 0)
    _collect(freeing, nights, 1)
    # Night 0 made the version that is served.
    assert _archive(nights, 0) == ["report.html", "summary.json", "task.json"]
    assert _archive(nights, 1) == ["summary.json"]
    assert _archive(nights, 2) == ["report.html", "summary.json", "task.json"]
    logs = sorted(os.listdir(Path(nights.config.folder, "logs")))
    assert logs == [f"{roots.run_id(2)}.log"]


@pytest.mark.parametrize("beside", ["", "held", "withdrawn"])
def test_models_of_versions_stay_wherever_the_version_lies(
    freeing: Any, nights: Any, beside: str
) -> None:
    first = nights.night(0)
    for number in (1, 2):
        nights.night(number, blessed=False)
    if beside:
        folder = Path(nights.config.serving_folder)
        (folder / beside).mkdir()
        os.rename(folder / "100", folder / beside / "100")
    _collect(freeing, nights, 1)
    assert {first["model"].uri, first["transformed_examples"].uri} <= nights.there()


def test_a_version_that_is_gone_needs_nothing(freeing: Any, nights: Any) -> None:
    import shutil

    first = nights.night(0)
    nights.night(1)
    shutil.rmtree(Path(nights.config.serving_folder, "100"))
    _collect(freeing, nights, 1)
    assert first["model"].uri not in nights.there() | nights.live()


def test_a_held_model_stays_by_its_record_alone(freeing: Any, nights: Any) -> None:
    held = nights.night(0, pushed=False)
    for number in (1, 2):
        nights.night(number)
    event = Event(event=releases.HELD, version="100", model=held["model"].uri)
    Path(nights.config.serving_folder, releases.RECORD).write_text(event.line)
    _collect(freeing, nights, 1)
    assert {held["model"].uri, held["blessing"].uri} <= nights.there()


def test_an_approved_version_stays_though_no_run_pushed_it(freeing: Any, nights: Any) -> None:
    approved = nights.night(0, pushed=False)
    nights.night(1)
    nights.serve(100)
    events = [
        Event(event=kind, version="100", model=approved["model"].uri)
        for kind in (releases.HELD, releases.APPROVED, releases.PUSHED)
    ]
    text = "".join(event.line for event in events)
    Path(nights.config.serving_folder, releases.RECORD).write_text(text)
    nights.night(2)
    _collect(freeing, nights, 1)
    assert approved["transformed_examples"].uri in nights.there()


def test_what_a_crash_left_goes_the_next_time(
    freeing: Any, nights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        nights.night(number, blessed=False)
    planned = freeing.plan(nights.config, 1)

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(freeing.shutil, "rmtree", crash)
        with pytest.raises(KeyboardInterrupt):
            freeing.free(nights.config, planned)
    assert nights.live() < nights.there(), "no record without its files"
    _collect(freeing, nights, 1)
    assert nights.live() == nights.there()


def test_folders_that_the_store_does_not_know_are_left_alone(freeing: Any, nights: Any) -> None:
    """For example because --metadata names another store this time."""
    for number in range(2):
        nights.night(number, blessed=False)
    unknown = Path(nights.config.artifacts_folder, "Trainer", "model", "987")
    unknown.mkdir()
    _collect(freeing, nights, 1)
    assert unknown.is_dir()


def test_entries_of_the_store_that_nobody_used_and_nothing_links(freeing: Any, nights: Any) -> None:
    made = [nights.night(number, blessed=False) for number in range(2)]
    store = Path(nights.config.artifacts_folder, "store")
    for kind, entry, used in (
        ("raw", "1111111111111111", 1.0),
        ("raw", "of-the-first", 1.0),
        ("raw", "of-the-last", 1.0),
        ("raw", "used-lately", 4e9),
        ("places", "memory", 1.0),
    ):
        folder = store / kind / entry
        folder.mkdir(parents=True)
        (folder / "shard").write_bytes(b"x" * 50)
        os.utime(folder / "shard", (used, used))
        os.utime(folder, (used, used))
    for entry, night in (("of-the-first", made[0]), ("of-the-last", made[1])):
        os.link(store / "raw" / entry / "shard", Path(night["examples"].uri, "shard"))
    planned = _collect(freeing, nights, 1)
    assert sorted(os.listdir(store / "raw")) == ["of-the-last", "used-lately"]
    assert (store / "places" / "memory" / "shard").exists()
    # The linked shard's bytes count once, with one of its names.
    assert sum(planned.sizes[name] for name in ("store", "ImageExampleGen")) == 1000 + 50 + 50


def test_old_checkpoints_go_and_those_of_a_kept_night_stay(freeing: Any, nights: Any) -> None:
    for number in range(2):
        nights.night(number, blessed=False)
    folder = Path(nights.config.checkpoints_folder)
    folder.mkdir()
    for name, written in (("old.npz", 1.0), ("new.npz", 4e9)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (written, written))
    _collect(freeing, nights, 1)
    assert os.listdir(folder) == ["new.npz"]
