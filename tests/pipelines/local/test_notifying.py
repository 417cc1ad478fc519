"""`--notify CMD`: when a command is run, with what, and that it disturbs nothing."""

import json
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from pipelines.config import RunConfig
from pipelines.local import locking, notifying, run
from pipelines.local.summary import Summary
from trainer_modules.engine.errors import BadInputError

_NOTE = """
import json, os, sys
path = sys.argv[-1]
assert os.environ["TFX_VISION_SUMMARY"] == path and os.path.isabs(path)
with open(sys.argv[1], "w") as f:
    json.dump([sys.argv[2:-1], json.load(open(path))], f)
"""


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """Where the command writes its arguments and the summary."""
    return tmp_path / "a note"


def _command(note: Path, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", _NOTE, str(note), *arguments])


def _summary(folder: Path, status: str) -> tuple[Summary, str]:
    summary = Summary(task="digits", run_id="1", status=status)
    path = str(folder / "summary.json")
    summary.write(path)
    return summary, path


@pytest.mark.parametrize(
    ("status", "told"),
    [
        *(("pushed", False), ("nothing_new", False)),
        *(("not_blessed", True), ("held", True), ("failed", True)),
    ],
)
def test_a_night_that_needs_a_person_is_told(
    tmp_path: Path, note: Path, status: str, told: bool
) -> None:
    notifying.after(_command(note), *_summary(tmp_path, status))
    assert note.exists() == told
    if told:
        assert json.loads(note.read_text())[1]["status"] == status


def test_no_shell_reads_the_command(tmp_path: Path, note: Path) -> None:
    words = ["two words", "$HOME", "*", "; touch x", "`id`", "ö"]
    notifying.after(_command(note, *words), *_summary(tmp_path, "failed"))
    assert json.loads(note.read_text())[0] == words


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "false ended with exit code 1"),
        ("/nowhere/mail me", "/nowhere/mail me cannot be run: No such file"),
    ],
)
def test_its_failure_is_told_and_disturbs_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture, command: str, said: str
) -> None:
    notifying.after(command, *_summary(tmp_path, "failed"))
    assert capfd.readouterr().err.startswith(f"--notify: {said}")


def test_what_takes_too_long_is_ended_with_all_that_it_started(
    tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "_LONGEST", 0.5)
    begin = time.monotonic()
    child = f"sleep 60 & echo $! > {shlex.quote(str(tmp_path))}/pid; wait"
    notifying.after(shlex.join(["sh", "-c", child]), *_summary(tmp_path, "failed"))
    assert time.monotonic() - begin < 30
    assert "took more than" in capfd.readouterr().err
    pid = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{pid}/stat")
    # Gone, or dead and not yet collected by the first process of this machine.
    assert not state.exists() or state.read_text().split()[2] == "Z"


@pytest.mark.parametrize("command", ["mail 'me", "  "])
def test_what_cannot_be_split_is_bad_input(command: str) -> None:
    with pytest.raises(BadInputError, match="--notify must be a command line"):
        notifying.check(command)
    notifying.check("")


def test_a_run_that_cannot_begin_is_told_with_a_summary_of_its_own(
    tmp_path: Path, note: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("TASK = Task(\n")
    config = RunConfig(task=str(broken), root=str(tmp_path / "runs"), notify=_command(note))
    with pytest.raises(BadInputError, match=r"broken.py, line 1"):
        run.once(config)
    summary = json.loads(note.read_text())[1]
    assert (summary["status"], summary["name"]) == ("failed", "broken")
    assert "line 1" in summary["error"]
    assert not (tmp_path / "runs").exists()


def test_a_second_run_is_told_and_leaves_the_first_ones_files_alone(
    tmp_path: Path, note: Path
) -> None:
    config = RunConfig(root=str(tmp_path), notify=_command(note))
    (Path(config.folder) / "runs").mkdir(parents=True)
    with locking.held(config.folder), pytest.raises(BadInputError, match="is in use"):
        run.once(config)
    assert f"process {os.getpid()}" in json.loads(note.read_text())[1]["error"]
    assert not Path(config.folder, "summary.json").exists()


def test_ctrl_c_is_nobodys_business(
    tmp_path: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_once", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.once(RunConfig(root=str(tmp_path), notify=_command(note)))
    assert not note.exists()
