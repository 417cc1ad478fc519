"""The page of all nights: `<root>/index.html`, written anew after every run.

It is one file that needs nothing else, and links to the report of each night that is kept. The
newest nights of each name are rows of a table; earlier ones lie in the page as inert templates
until somebody asks for them, so that a page of thousands opens at once.
"""

import contextlib
import datetime
import fcntl
import hashlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from components.report import figures, templating
from pipelines.local import run_files
from pipelines.local.history import reading, trend
from pipelines.local.history.night import Night
from pipelines.local.history.reading import Places, Record
from pipelines.local.sizes import in_words

INDEX, LOCK, DRAWN = "index.html", ".index.lock", ".history.html"
# Rows that are laid out at once, and that each click on "earlier" adds.
_SHOWN, _CHUNK = 60, 200
# Nights on the whole page: some kilobytes for ten of them.
_ROWS, _FEWEST = 6_000, 60
# A class has moved if its score has by this much; as many are drawn, the furthest first.
_MOVED, _DRAWN = 0.02, 12
_EVENTS = 50
_TONES = {
    **dict.fromkeys(("pushed", "nothing_new"), "good"),
    **dict.fromkeys(("held", "running"), "waits"),
}
_FAILURE = Markup(
    '<section id="{}"><h2><bdi>{}</bdi></h2>'
    '<p class="failure">This history could not be drawn. {}</p></section>'
)
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
        if not reading.names(root):
            return
        # Who waits here looks afterwards, so the last to write has seen every night.
        with _alone(os.path.join(root, LOCK)):
            page = render(root, [reading.look(root, name) for name in reading.names(root)])
            run_files.replace_file(os.path.join(root, INDEX), page)
    except OSError as error:
        _log.warning("the history page of %s could not be written: %s", root, error)


@contextmanager
def _alone(path: str) -> Iterator[None]:
    with open(path, "a", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def render(root: str, names: Sequence[Places]) -> str:
    """Returns the page.

    Args:
      root: The folder of all runs; links are relative to it.
      names: What lies under the folder of each name.
    """
    environment = templating.environment(further=_TEMPLATES)
    environment.filters["night"] = lambda time: time.replace("T", " ")[:16]
    environment.filters["tone"] = lambda status: _TONES.get(status, "bad")
    environment.filters["bytes"] = in_words
    rows = max(_FEWEST, _ROWS // max(len(names), 1))
    code = _code()
    return environment.get_template("history.html.jinja").render(
        root=os.path.basename(os.path.abspath(root)),
        written=datetime.datetime.now().isoformat(" ", timespec="seconds"),
        tasks=[
            {
                "name": places.name,
                "anchor": _anchor(places.name),
                "section": _section(environment, places, rows, code),
            }
            for places in names
        ],
    )


def _section(environment: Environment, places: Places, rows: int, code: str) -> Markup:
    """Returns the part of the page about a name: as it was drawn last, if nothing has changed."""
    drawn = os.path.join(places.folder, DRAWN)
    stamp = f"<!-- {places.stamp} {rows} {code} -->\n"
    try:
        with open(drawn, encoding="utf-8") as f:
            if f.readline() == stamp:
                return Markup(f.read())
    except (OSError, ValueError):
        pass
    try:
        text = environment.get_template("history_task.html.jinja").render(
            task=_task(reading.read(places), rows), shown=_SHOWN, chunk=_CHUNK, moved_by=_MOVED
        )
    except Exception as error:
        # One name must not cost the others their page.
        _log.exception("the history of '%s' could not be drawn", places.name)
        return _FAILURE.format(
            _anchor(places.name), places.name, f"{type(error).__name__}: {error}"
        )
    with contextlib.suppress(OSError):
        run_files.replace_file(drawn, stamp + text)
    return Markup(text)


def _code() -> str:
    """Returns a digest of the code and templates that draw a section."""
    here, digest = os.path.dirname(__file__), hashlib.sha256()
    files = [os.path.join(f, name) for f in (here, _TEMPLATES) for name in sorted(os.listdir(f))]
    for path in (*filter(os.path.isfile, files), figures.__file__):
        with open(path, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:16]


def _anchor(name: str) -> str:
    return "task-" + re.sub("[^a-z0-9_-]", lambda match: f".{ord(match[0]):x}", name)


def _task(record: Record, rows: int) -> dict[str, Any]:
    """Returns what the page shows of a name.

    Args:
      record: Its history.
      rows: The most nights to show.
    """
    recent = record.nights[-rows:]
    judged = [night for night in recent if night.metric]
    moved = _moved(judged)
    return {
        "name": record.name,
        "anchor": _anchor(record.name),
        "last": recent[-1],
        "champion": record.champion,
        "champion_night": _pushing(record),
        "judged": judged[-1] if judged else None,
        "disk": next((night.disk for night in reversed(recent) if night.disk), {}),
        "chart": _chart(record.name, judged) if judged else None,
        "moved": moved[:_DRAWN],
        "moved_more": len(moved[_DRAWN:]),
        "events": record.events[: -_EVENTS - 1 : -1],
        "problem": record.problem,
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
