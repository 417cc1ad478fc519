"""The folder of deliveries, the command line of every night, and what a night left behind."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from sklearn import datasets

HOME = Path(__file__).parents[2]
TASK = Path(__file__).parent / "handwriting.py"
NAME = "handwriting"
# What a picture and its class become before they are delivered: `(image, class)` → the same.
Change = Callable[[np.ndarray, str], tuple[np.ndarray, str]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one command left behind.

    Attributes:
      code: The exit code.
      said: Everything it printed.
      seconds: Wall time.
      summary: `summary.json`; {} if there is none.
      served: The versions that a server finds, the newest first.
    """

    code: int
    said: str
    seconds: float
    summary: dict[str, Any]
    served: list[str]

    @property
    def status(self) -> str:
        return str(self.summary.get("status", ""))

    @property
    def run_id(self) -> str:
        return str(self.summary.get("run_id", ""))


class Season:
    """Deliveries of real digits under one folder, and the runs that they lead to.

    Args:
      folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.inbox, self.root = folder / "in", folder / "runs"
        digits = datasets.load_digits()
        order = np.random.default_rng(13).permutation(len(digits.target))
        self._left: dict[str, list[np.ndarray]] = {str(n): [] for n in range(10)}
        for i in order:
            pixels = (digits.images[i] / 16 * 255).round().astype(np.uint8)
            self._left[str(digits.target[i])].append(pixels)

    # Deliveries

    def span(self, number: int, version: int = 1) -> Path:
        """Returns the folder of a delivery."""
        return self.inbox / f"span-{number:03d}" / f"v-{version}"

    def deliver(
        self,
        number: int,
        each: int,
        *,
        without: str = "9",
        version: int = 1,
        change: Change = lambda image, name: (image, name),
    ) -> None:
        """Writes new pictures, `each` of every class but those in `without`.

        A folder gets its final name only when it is complete.
        """
        staged = self.inbox / f".span-{number:03d}"
        for name in sorted(set(self._left) - set(without)):
            for i in range(each):
                image, shown = change(self.take(name), name)
                _save(image, staged / shown / f"{number:03d}-{name}-{i:03d}.png")
        target = self.span(number, version)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)

    def take(self, name: str) -> np.ndarray:
        """Returns a digit that was not delivered yet, uint8 `[8, 8]`."""
        return self._left[name].pop()

    # Nights

    def command(self, *options: str) -> list[str]:
        """Returns the line of the crontab."""
        data = str(self.inbox / "span-{SPAN}" / "v-{VERSION}")
        return [
            *(str(HOME / "run"), "--task", str(TASK), "--data", data, "--root", str(self.root)),
            *("--window", "all", "--evaluate", "window", *options),
        ]

    def night(self, *options: str) -> Outcome:
        """Runs the line as cron does."""
        return self.about(*self.command(*options)[1:])

    def about(self, *arguments: str) -> Outcome:
        """Runs a command line of `./run`, from another folder and with next to no environment."""
        begin = time.monotonic()
        done = subprocess.run(
            [str(HOME / "run"), *arguments],
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said, said
        return self.look(done.returncode, said, time.monotonic() - begin)

    @contextlib.contextmanager
    def in_progress(self, step: str, *options: str) -> Iterator[subprocess.Popen[str]]:
        """Starts a night and waits until it has begun a step; afterwards waits for its end."""
        # Not through the shell script: the process is the one that is killed.
        program = [str(HOME / ".venv/bin/python"), str(HOME / "pipelines/run_local.py")]
        logs = self.root / NAME / "logs"
        before = set(logs.glob("*.log"))
        with subprocess.Popen(
            [*program, *self.command(*options)[1:]],
            cwd="/",
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            until = time.monotonic() + 300
            while running.poll() is None and time.monotonic() < until:
                new = set(logs.glob("*.log")) - before
                if any(step in log.read_text(errors="replace") for log in new):
                    break
                time.sleep(0.05)
            yield running
            running.communicate(timeout=600)

    def kill_in(self, step: str, *options: str) -> Outcome:
        """Runs a night that is killed while it does a step."""
        with self.in_progress(step, *options) as running:
            running.send_signal(signal.SIGKILL)
        return self.look(running.returncode, "", 0.0)

    def look(self, code: int, said: str, seconds: float) -> Outcome:
        """Returns what lies in the folders now."""
        path = self.root / NAME / "summary.json"
        served = self.root / "serving" / NAME
        versions = [p.name for p in served.iterdir() if p.name.isdigit()] if served.exists() else []
        return Outcome(
            code=code,
            said=said,
            seconds=seconds,
            summary=json.loads(path.read_text()) if path.exists() else {},
            served=sorted(versions, key=int, reverse=True),
        )


def _save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(image).save(path)


def _environment() -> dict[str, str]:
    """Returns what cron gives to a command, and how this machine reaches the package index."""
    kept = {k: v for k, v in os.environ.items() if k.startswith(("UV_", "PIP_")) or "CERT" in k}
    return {"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", **kept}
