"""`--history`, through the program's own command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import run_local
from tests.pipelines.local.history import roots

ROOT = Path(__file__).parents[4]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(62):
        roots.archive(tmp_path, "digits", roots.summary(number))
    refused = roots.summary(62, status="not_blessed", gates=roots.refused(1), pushed_model=None)
    roots.archive(tmp_path, "digits", refused)
    return tmp_path


def test_a_table(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert run_local.main(["--root", str(root), "--history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 earlier nights")
    assert lines[1].split()[:3] == ["night", "outcome", "version"]
    assert "2024-01-04 03:00  pushed" in lines[2] and "103" in lines[2]
    assert "not blessed" in lines[-2] and "class 0 is too low" in lines[-2]
    assert lines[-1] == "served: version none"


def test_json_for_machines(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert run_local.main(["--root", str(root), "--history", "digits", "--json"]) == 0
    history = json.loads(capsys.readouterr().out)
    assert history["name"] == "digits" and len(history["nights"]) == 63
    assert history["nights"][-1]["refused"] == ["class 0 is too low"]
    assert history["champion"] == "" and history["releases"] == []


def test_what_there_is_not_is_bad_input(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert run_local.main(["--root", str(root), "--history", "flowers"]) == 2
    assert run_local.main(["--root", str(root), "--json"]) == 2
    told = capsys.readouterr().err
    assert "must be one of digits" in " ".join(told.split()) and "--json goes with" in told
    assert not (root / "flowers").exists(), "looking leaves nothing behind"


def test_it_takes_neither_tensorflow_nor_numpy(root: Path) -> None:
    """What is written after a run is read back without what made it."""
    text = (
        "import sys; from pipelines import run_local\n"
        "assert run_local.main(sys.argv[1:]) == 0\n"
        "print({'tensorflow', 'numpy', 'scipy', 'tfx', 'jinja2'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", text, "--root", str(root), "--history", "digits"]
    run_local.main(["--root", str(root), "--history", "digits"])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_night_with_a_wrong_setting_is_in_the_history(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run_local.main(["--root", str(root), "--set", "gates.0.bound=60"]) == 2
    capsys.readouterr()
    run_local.main(["--root", str(root), "--history", "digits", "--json"])
    last = json.loads(capsys.readouterr().out)["nights"][-1]
    assert last["status"] == "failed" and last["error"].startswith("gates.0.bound")
    assert "gates.0.bound of AtLeast(" in (root / "index.html").read_text(encoding="utf-8")
