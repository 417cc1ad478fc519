"""What libraries write stays off the terminal; what the program prints, and a failure, do not."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOISE = (
    "import logging, os, sys, warnings\n"
    "from pipelines import chatter\n"
    "with chatter.redirected():\n"
    "    os.write(1, b'noise 1\\n'); os.write(2, b'noise 2\\n')\n"
    "    logging.getLogger('absl').warning('noise 3'); warnings.warn('noise 4')\n"
    "    print('said'); print('note', file=sys.stderr)\n"
    "    {last}\n"
    "print('after')\n"
)


def _run(last: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", NOISE.format(last=last)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_print_reaches_the_terminal_and_chatter_does_not() -> None:
    done = _run("pass")
    assert (done.stdout, done.stderr, done.returncode) == ("said\nafter\n", "note\n", 0)


def test_a_failure_shows_what_was_kept_aside() -> None:
    done = _run("raise RuntimeError('broken')")
    assert all(f"noise {i}" in done.stderr for i in (1, 2, 3, 4))
    assert "RuntimeError: broken" in done.stderr and done.returncode == 1


def test_an_error_that_a_person_can_act_on_stays_alone() -> None:
    last = "from trainer_modules.engine.errors import BadInputError; raise BadInputError('way out')"
    done = _run(last)
    assert "noise" not in done.stderr and "BadInputError: way out" in done.stderr
