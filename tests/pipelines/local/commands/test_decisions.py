"""Decisions on the command line: seconds, no TensorFlow, and a way out of every mistake."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.pusher import placing, recording, releases
from components.pusher.releases import Event
from pipelines import run_local
from tests.components.pusher.exports import export, served

ROOT = Path(__file__).parents[4]
SAID = ("--by", "Ann", "--reason", "looked at 50 photographs")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Version 1 of digits is served, version 2 is held; `seven` is another name, pushed twice."""
    digits, seven = tmp_path / "serving/digits", tmp_path / "serving/seven"
    for folder, version in ((digits, "1"), (seven, "3"), (seven, "4")):
        export(folder / version, version)
        recording.append(str(folder), Event(event=releases.PUSHED, version=version))
    digest = placing.digest(str(export(digits / "held/2", "2")))
    held = Event(event=releases.HELD, version="2", more={"digest": digest, "served": "1"})
    recording.append(str(digits), held)
    return tmp_path


def command(root: Path, *arguments: str) -> int:
    return run_local.main([*arguments, "--root", str(root)])


def test_approving_pushes_the_held_model(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(root, "--approve", "digits", "latest", *SAID) == 0
    assert served(root / "serving/digits") == ["1", "2"]
    printed = capsys.readouterr().out
    assert "version 2 is approved and pushed" in printed and "served  2" in printed
    assert releases.read(str(root / "serving/digits")).events[-1].by == "Ann"


def test_refusing_leaves_what_is_served(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(root, "--refuse", "digits", "2", *SAID) == 0
    assert "version 2 is refused" in capsys.readouterr().out
    assert served(root / "serving/digits") == ["1"]


def test_a_name_is_one_however_it_is_given(root: Path) -> None:
    assert command(root, "--rollback", "seven", *SAID) == 0
    assert served(root / "serving/seven") == ["3"]
    assert command(root, "--rollback", "digits", "4", "--name", "seven", *SAID) == 0
    assert served(root / "serving/seven") == ["3", "4"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--approve", "digits", "2", "--by", "Ann"), "--reason must say why"),
        (("--rollback", "seven", "--reason", "bad"), "--by must say who decides"),
        (("--approve", "flowers", "2", *SAID), "There is digits, seven in"),
        (("--approve", "digits", "7", *SAID), "held: 2), or latest. Received: 7"),
        (("--rollback", "digits", "1", "2", *SAID), "at most one VERSION"),
        (("--rollback", "digits", *SAID), "there is no version before 1 in"),
        (("--refuse", "digits", "2", "--as-newest", *SAID), "--as-newest belongs to --approve"),
        (("--by", "Ann"), "--by belongs to --approve, --refuse or --rollback"),
    ],
)
def test_a_mistake_has_a_way_out(
    root: Path, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root, *arguments) == 2
    assert message in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert served(root / "serving/digits") == ["1"] and served(root / "serving/seven") == ["3", "4"]


def test_a_decision_takes_a_second_and_no_tensorflow(root: Path) -> None:
    program = (
        "import sys; from pipelines import run_local; code = run_local.main(sys.argv[1:]); "
        "print([m for m in ('tensorflow', 'tfx', 'apache_beam') if m in sys.modules]); "
        "sys.exit(code)"
    )
    arguments = ["--approve", "digits", "2", *SAID, "--root", str(root)]
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
    # 0.4 s on an idle machine.
    assert time.monotonic() - begin < 10
