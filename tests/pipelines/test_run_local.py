"""The command line of run_local.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import run_local

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "trainer_modules"


def test_a_broken_file_ends_a_run_with_2_and_leaves_the_list_whole(tmp_path) -> None:
    """The real programs, in a copy of the tree, without a traceback."""
    for name in ("pipelines", "components", "trainer_modules", "schemas"):
        os.symlink(ROOT / name, tmp_path / name)
    (tmp_path / "trainer_modules").unlink()
    (tmp_path / "trainer_modules").mkdir()
    for path in TASKS.iterdir():
        os.symlink(path, tmp_path / "trainer_modules" / path.name)
    (tmp_path / "trainer_modules/mistaken.py").write_text("TASK = Task(\n")

    def run(*options: str) -> subprocess.CompletedProcess:
        text = (
            "import sys, runpy; sys.path[0] = '.'; from pipelines import run_local; "
            "sys.exit(run_local.main(sys.argv[1:]))"
        )
        env = {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"}
        command = [sys.executable, "-c", text, *options]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    failed = run("--task", "mistaken")
    assert failed.returncode == 2 and "Traceback" not in failed.stderr
    assert "trainer_modules/mistaken.py, line 1" in failed.stderr
    listed = run("--list")
    assert listed.returncode == 0
    assert "broken" in listed.stdout and "flowers" in listed.stdout
    assert run("--task", "digits", "--set", "name=x").returncode == 2


def test_it_takes_no_tensorflow_and_ends_a_run_with_2(tmp_path) -> None:
    text = (
        "import sys; from pipelines import run_local\n"
        "code = run_local.main(sys.argv[1:])\n"
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    options = ["--root", str(tmp_path / "runs"), "--set", "gates.0.bound=60"]
    command = [sys.executable, "-c", text, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "error: gates.0.bound" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--task", "digit"), "did you mean 'digits'"),
        (("--set", "phases.0.epoch=3"), "did you mean 'epochs'"),
        (("--data", "/nowhere", "--root", "{file}/runs"), "--root: cannot write to {file}/runs"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_2(
    options: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Set for good otherwise: this machine's runs ask no metadata server.
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("COLUMNS", "1000")
    file = tmp_path / "file"
    file.touch()
    place = () if "--root" in options else ("--root", str(tmp_path / "runs"))
    given = [option.format(file=file) for option in (*options, *place)]
    assert run_local.main(given) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and said.format(file=file) in printed
    assert len(printed.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
