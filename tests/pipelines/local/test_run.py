"""One run on this machine: its lock, and how it ends."""

import dataclasses
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.config import RunConfig
from pipelines.local import archive, locking, run
from trainer_modules.engine.errors import BadInputError


def test_two_runs_of_one_name_do_not_mix(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    said = f"{folder} is in use by process .*another --name"
    with locking.held(str(folder)):
        with pytest.raises(BadInputError, match=said):
            run.once(RunConfig(root=str(tmp_path)))
        assert not (folder / "summary.json").exists()


def _once(monkeypatch: pytest.MonkeyPatch, config: RunConfig, prepare: Callable) -> int:
    """A run up to where TensorFlow is needed."""
    monkeypatch.setattr(run, "_prepare", prepare)
    monkeypatch.setenv("COLUMNS", "300")
    return run.once(config)


def _fails(error: BaseException) -> Callable:
    def prepare(*_: object) -> None:
        logging.getLogger("tfx_vision").warning("a warning")
        raise error

    return prepare


def test_a_night_that_fails_before_its_first_step_is_archived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    config = RunConfig(root=str(tmp_path))
    assert _once(monkeypatch, config, _fails(BadInputError("no data"))) == 2
    printed = capfd.readouterr().out
    assert "digits  run " in printed and "a warning" in printed and "no data" in printed
    kept = archive.find(config.folder, "latest").summary
    assert (kept["status"], kept["error"]) == ("failed", "no data")
    assert kept["seconds"]["total"] >= 0


def test_quiet_prints_the_verdict_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    config = RunConfig(root=str(tmp_path), quiet=True)
    assert _once(monkeypatch, config, _fails(BadInputError("no data"))) == 2
    printed = capfd.readouterr()
    first, *rest = printed.out.strip().splitlines()
    assert first.startswith("failed  in ") and rest[0] == "no data"
    assert len(rest) == 2 and rest[1].startswith("Full log: ")
    assert printed.err == ""
    # What was not printed is in the log.
    assert "a warning" in Path(rest[1].removeprefix("Full log: ")).read_text()


def test_a_fault_of_the_program_is_one_paragraph_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    config = RunConfig(root=str(tmp_path), notify="cat")
    assert _once(monkeypatch, config, _fails(ZeroDivisionError("by zero"))) == 1
    printed = capfd.readouterr()
    assert "ZeroDivisionError: by zero" in printed.out and '"status": "failed"' in printed.out
    assert "Traceback" not in printed.out + printed.err
    summary = json.loads(Path(config.folder, "summary.json").read_text())
    assert "Traceback" in Path(summary["log"]).read_text()


def test_a_killed_holder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    config = RunConfig(root=str(tmp_path))
    Path(config.folder).mkdir()
    dead = dataclasses.asdict(locking._this_process()) | {"pid": 7, "token": "another"}
    Path(config.folder, locking.HOLDER).write_text(json.dumps(dead))
    _once(monkeypatch, config, _fails(BadInputError("no data")))
    assert "took over the lock of process 7 on " in capfd.readouterr().out


def test_wrong_settings_make_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"gates\.0\.bound"):
        run.once(RunConfig(root=str(tmp_path / "runs"), settings=("gates.0.bound=60",)))
    assert not (tmp_path / "runs").exists()
