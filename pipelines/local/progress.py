"""Estimates of the remaining time, from finished epochs and from earlier runs."""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# `epoch 3/60  …  took 1.2 s`, or within an epoch `epoch 3/60  step 40/120  …  1.2 s so far`.
_EPOCH = re.compile(r"epoch (\d+)/(\d+)(?:  step (\d+)/(\d+))?.*?(?:took )?([\d.]+) s(?: so far)?$")

# Earlier runs to look into.
_LATEST = 50


def words(seconds: float) -> str:
    """Returns a duration in words: `8 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def epochs_left(message: str) -> float | None:
    """Returns the seconds that the epochs after a message will take, or None for other messages.

    Estimated from the message's own epoch, since later phases may train more of the network.
    """
    match = _EPOCH.match(message)
    if not match:
        return None
    epoch, epochs, step, steps, took = match.groups()
    fraction = int(step) / int(steps) if step and int(steps) else 1.0
    whole = float(took) / fraction
    return (int(epochs) - int(epoch)) * whole + (whole - float(took))


def expected(folder: str) -> dict[str, float]:
    """Returns how long each component took when it last ran, from the archived runs in `folder`."""
    runs = os.path.join(folder, "runs")
    seconds: dict[str, float] = {}
    # After a thousand nights, reading all of them would take a second.
    for name in sorted(os.listdir(runs))[-_LATEST:] if os.path.isdir(runs) else []:
        try:
            with open(os.path.join(runs, name, "summary.json"), encoding="utf-8") as f:
                summary = json.load(f)
            cached = set(summary["cached"])
            seconds |= {
                node: float(took) for node, took in summary["seconds"].items() if node not in cached
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # This is only an estimate; a run that cannot be read is no reason to stop.
    return seconds


@dataclass
class Progress:
    """One running component.

    Attributes:
      node: Its id.
      before: Seconds that it took when it last ran; None if unknown.
      now: The clock, in seconds.
    """

    node: str
    before: float | None = None
    now: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _message: str = field(default="", init=False)
    _until: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._began = self.now()
        self._until = self._began + self.before if self.before else None

    def observe(self, message: str) -> str:
        """Takes a message of the component; returns it with the remaining time."""
        left = epochs_left(message)
        self._message = message
        if left is None:
            return message
        self._until = self.now() + left
        return f"{message}, about {words(left)} left" if left >= 1 else message

    @property
    def line(self) -> str:
        """The updated line: the component, the elapsed time, the remaining time."""
        times = f"{words(self.now() - self._began)} elapsed"
        left = self._until - self.now() if self._until is not None else 0.0
        if left >= 1:
            times += f", about {words(left)} left"
        # The times before the message: a narrow terminal cuts off the end.
        return "  ".join(part for part in (self.node, times, self._message) if part)
