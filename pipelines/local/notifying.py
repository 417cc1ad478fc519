"""`--notify CMD`: tells somebody of a night that needs a person.

The command is run without a shell, with the path of the run's `summary.json` as its last argument
and in the environment, after the run has given back its lock: it may look, approve or roll back.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile

from pipelines.config import RunConfig
from pipelines.local import summary as summaries
from pipelines.local.summary import Summary
from trainer_modules.engine.errors import BadInputError

VARIABLE = "TFX_VISION_SUMMARY"
_LONGEST = 60.0
# All others need a person, whatever they are called.
_WELL = (summaries.PUSHED, summaries.NOTHING_NEW)


def check(command: str) -> None:
    """Checks that a command can be split into words, as a POSIX shell splits them.

    A program that does not exist is told when it is needed: it is no reason not to train.

    Raises:
      BadInputError: If it cannot.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInputError(
            f"--notify must be a command line. Received: {command} ({error})"
        ) from error
    if command and not words:
        raise BadInputError(f"--notify must be a command line. Received: {command!r}")


def after(command: str, summary: Summary, path: str) -> None:
    """Runs the command if a run was refused or held, or failed.

    Its failure is printed to standard error and has no other consequence.

    Args:
      command: `--notify`; "" for none.
      summary: The run.
      path: Its `summary.json`.
    """
    if command and summary.status not in _WELL:
        _run(shlex.split(command), os.path.abspath(path))


def refused(config: RunConfig, error: BadInputError, kept: str) -> None:
    """Runs the command for a run that could not begin: a broken task file, another run in progress.

    Args:
      config: The run's.
      error: Why it could not.
      kept: Its archived summary; "" for a name without earlier runs. The command then receives a
        file that exists as long as it runs.
    """
    if not config.notify:
        return
    own = config.names.own
    summary = Summary(task=own, name=own, run_id="", error=str(error))
    if kept:
        after(config.notify, summary, kept)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "summary.json")
        summary.write(path)
        after(config.notify, summary, path)


def _run(words: list[str], path: str) -> None:
    said = shlex.join(words)
    try:
        process = subprocess.Popen(
            [*words, path],
            stdin=subprocess.DEVNULL,
            env={**os.environ, VARIABLE: path},
            # What it starts ends with it.
            start_new_session=True,
        )
    except OSError as error:
        print(f"--notify: {said} cannot be run: {error.strerror}", file=sys.stderr)
        return
    try:
        code = process.wait(_LONGEST)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"--notify: {said} took more than {_LONGEST:.0f} s and was ended", file=sys.stderr)
        return
    if code:
        print(f"--notify: {said} ended with exit code {code}", file=sys.stderr)
