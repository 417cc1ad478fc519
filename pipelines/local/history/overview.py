"""The page of all nights: `<root>/index.html`, written anew after every run.

It is one file that needs nothing else, and links to the report of each night that is kept. The
newest nights of each name are rows of a table; earlier ones lie in the page as inert templates
until somebody asks for them, so that a page of thousands opens at once.
"""

import datetime
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from components.report import templating
from pipelines.local import run_files
from pipelines.local.history import reading, trend
from pipelines.local.history.night import Night
from pipelines.local.history.reading import Record
from pipelines.local.history.sizes import in_words

INDEX, LOCK = "index.html", ".index.lock"
# Rows that are laid out at once, and that each click on "earlier" adds.
_SHOWN, _CHUNK = 60, 200
# Nights on the whole page: some kilobytes for ten of them.
_ROWS, _FEWEST = 6_000, 60
# A class has moved if its score has by this much; as many are drawn, the furthest first.
_MOVED, _DRAWN = 0.02, 12
_RELEASES = 50
_TONES = {
    **dict.fromkeys(("pushed", "nothing_new"), "good"),
    **dict.fromkeys(("held", "running"), "waits"),
}
_log = logging.getLogger(__name__)
_TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")


def refresh(root: str) -> None:
    """Writes the page of a root anew; one that has no runs gets none.

    What cannot be read or written is logged: the page is never a reason for a run to fail.

    Args:
      root: The folder of all runs.
    """
    if "://" in root or not os.path.isdir(root):
        return
    try:
        names = reading.names(root)
        if not names:
            return
        # Who waits here reads afterwards, so the last to write has seen every night.
        with _alone(os.path.join(root, LOCK)):
            records = [reading.read(root, name) for name in names]
            run_files.replace_file(os.path.join(root, INDEX), render(root, records))
    except OSError as error:
        _log.warning("the history page %s could not be written: %s", root, error)


@contextmanager
def _alone(path: str) -> Iterator[None]:
    with open(path, "a", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def render(root: str, records: Sequence[Record]) -> str:
    """Returns the page.

    Args:
      root: The folder of all runs; links are relative to it.
      records: The history of each name.
    """
    environment = templating.environment(further=_TEMPLATES)
    environment.filters["night"] = lambda time: time.replace("T", " ")[:16]
    environment.filters["tone"] = lambda status: _TONES.get(status, "bad")
    environment.filters["bytes"] = in_words
    rows = max(_FEWEST, _ROWS // max(len(records), 1))
    return environment.get_template("history.html.jinja").render(
        root=os.path.basename(os.path.abspath(root)),
        written=datetime.datetime.now().isoformat(" ", timespec="seconds"),
        tasks=[_task(record, number, rows) for number, record in enumerate(records)],
        shown=_SHOWN,
        chunk=_CHUNK,
        moved_by=_MOVED,
    )


def _task(record: Record, number: int, rows: int) -> dict[str, Any]:
    """Returns what the page shows of a name.

    Args:
      record: Its history.
      number: Its place on the page.
      rows: The most nights to show.
    """
    recent = record.nights[-rows:]
    judged = [night for night in recent if night.metric]
    moved = _moved(judged)
    return {
        "name": record.name,
        "anchor": f"task-{number}",
        "last": recent[-1],
        "champion": record.champion,
        "champion_night": _pushing(record),
        "judged": judged[-1] if judged else None,
        "disk": next((night.disk for night in reversed(recent) if night.disk), {}),
        "chart": _chart(record.name, judged) if judged else None,
        "moved": moved[:_DRAWN],
        "moved_more": len(moved[_DRAWN:]),
        "releases": record.releases[: -_RELEASES - 1 : -1],
        "nights": recent[::-1],
        "left_out": len(record.nights) - len(recent),
    }


def _pushing(record: Record) -> Night | None:
    """Returns the night that made the served version."""
    made = (n for n in record.nights if n.version and n.version == record.champion)
    return next(made, None)


def _chart(name: str, judged: Sequence[Night]) -> Any:
    metric = judged[-1].metric
    values = [night.metrics.get(metric) for night in judged]
    series = [(metric, values)]
    if judged[-1].worst_class:
        series.append(("worst class", [night.worst for night in judged]))
    return trend.nights(
        f"{metric} of {name} over {len(judged)} nights, {trend.told(values)}",
        series,
        [night.size for night in judged],
        ends=(judged[0].time[:10], judged[-1].time[:10]),
        pushed=[night.status == "pushed" for night in judged],
    )


def _moved(judged: Sequence[Night]) -> list[dict[str, Any]]:
    """Returns the classes whose score moved, the one that moved furthest first."""
    lines = {name: [night.classes.get(name) for night in judged] for name in _classes(judged)}
    far = {}
    for name, values in lines.items():
        known = [value for value in values if value is not None]
        if known and max(known) - min(known) >= _MOVED:
            far[name] = known
    return [
        {
            "name": name,
            "first": known[0],
            "last": known[-1],
            "line": trend.spark(f"{name}: {trend.told(known)}", lines[name])
            if place < _DRAWN
            else None,
        }
        for place, (name, known) in enumerate(
            sorted(far.items(), key=lambda item: min(item[1]) - max(item[1]))
        )
    ]


def _classes(judged: Sequence[Night]) -> list[str]:
    return list(dict.fromkeys(name for night in judged for name in night.classes))
