"""Reads the Dockerfile: its stages, and what each runs and sets."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Stage:
    """One stage.

    Attributes:
      base: The stage or image that it starts from.
      environment: What its own `ENV` lines set.
      commands: Its `RUN` lines, for a shell.
      copied: Its own `COPY` lines of the project's files: (sources, target).
    """

    base: str
    environment: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    copied: list[tuple[list[str], str]] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """Returns name → stage."""
    found: dict[str, Stage] = {}
    current: Stage | None = None
    for instruction, rest in _instructions():
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            current = found[name] = Stage(base)
        elif current is None:
            continue
        elif instruction == "ENV":
            current.environment |= dict(
                (key, value) for key, _, value in (p.partition("=") for p in shlex.split(rest))
            )
        elif instruction == "RUN":
            current.commands.append(re.sub(r"^(--mount=\S+ +)+", "", rest))
        elif instruction == "COPY" and "--from" not in rest:
            *sources, target = rest.split()
            current.copied.append((sources, target))
    return found


def argument(name: str) -> str:
    """Returns the default of an `ARG`."""
    return next(
        rest.partition("=")[2]
        for instruction, rest in _instructions()
        if instruction == "ARG" and rest.startswith(f"{name}=")
    )


def environment(stage: str) -> dict[str, str]:
    """Returns what a stage and those that it starts from set."""
    known = stages()
    if stage not in known:
        return {}
    return environment(known[stage].base) | known[stage].environment


def _instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (line.partition(" ")[0], re.sub(r" +", " ", line.partition(" ")[2]).strip())
        for line in whole.splitlines()
        if line.strip()
    ]
