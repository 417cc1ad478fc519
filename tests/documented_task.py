"""What docs/tasks.md shows: its two files, its commands with their output, its mistakes."""

import re
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs/tasks.md"


class Command(NamedTuple):
    """A command and the lines that the page shows below it."""

    line: str
    output: list[str]


class Mistake(NamedTuple):
    """A row of the page's table."""

    right: str
    wrong: str
    message: str


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def write_files(folder: Path) -> None:
    """Writes the files that the page tells its reader to save."""
    for name in ("make_photos.py", "my_task.py"):
        found = re.search(rf"`{name}`:\n\n```python\n(.*?)^```", text(), re.MULTILINE | re.DOTALL)
        assert found, f"docs/tasks.md shows no {name}"
        (folder / name).write_text(found[1], encoding="utf-8")


def commands() -> list[Command]:
    """Returns the page's commands in their order."""
    shown = []
    for block in re.findall(r"^```console\n(.*?)^```", text(), re.MULTILINE | re.DOTALL):
        first, *rest = block.splitlines()
        assert first.startswith("$ ")
        shown.append(Command(first.removeprefix("$ "), rest))
    return shown


def mistakes() -> list[Mistake]:
    """Returns the page's mistakes."""
    section = text().split("## Five likely mistakes")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| (.+?) \|$", section, re.MULTILINE)
    return [Mistake(*(cell.replace("\\|", "|") for cell in row)) for row in rows]


def stable(line: str) -> str:
    """Returns a line of output without what differs from run to run: numbers, paths, blanks."""
    without_paths = re.sub(r"(/[\w.-]+)+/(?=runs/)", "", line)
    return " ".join(re.sub(r"\d[\d,.e-]*", "#", without_paths).split())
