"""Reads the nights of every name under a root, from their archives and the record of releases.

<root>/<name>/runs/<run id>/summary.json   a night
<root>/<name>/logs/<run id>.log            a night that left no summary was interrupted, or runs
<root>/serving/<name>/releases.jsonl       what people and the pipeline did with its models

A summary is read once: `<root>/<name>/.history.json` keeps what the history needs of it, and may be
deleted at any time.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.pusher import releases
from components.pusher.releases import Event
from pipelines.local import locking, run_files
from pipelines.local.history import night as nights
from pipelines.local.history.night import Night
from pipelines.names import Names
from pipelines.task_files.spelling import DATA, SERVING
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.saved_model import versions

CACHE = ".history.json"
_NOT_A_NIGHT = (ValueError, TypeError, KeyError, AttributeError)
# The holder of a lock touches its record every 20 s.
_ALIVE = 60.0


@dataclass(frozen=True, kw_only=True)
class Places:
    """What lies under the folder of a name, without the contents: cheap to look up every night.

    Attributes:
      root: The folder of all runs.
      name: The name.
      archived: Run id → time and size of its summary.
      reports: Ids of the runs whose report is kept.
      logged: Ids of the runs that left a log.
      running: Whether a run or command holds the folder now.
      champion: The version that a server answers with; "" if none is served.
      released: Time and size of the record of releases; () if there is none.
    """

    root: str
    name: str
    archived: dict[str, list[int]]
    reports: frozenset[str]
    logged: frozenset[str]
    running: bool
    champion: str
    released: tuple[int, ...]

    @property
    def folder(self) -> str:
        """Where the runs are kept."""
        return os.path.join(self.root, self.name)

    @property
    def stamp(self) -> str:
        """Changes whenever the history of this name does."""
        listed = (self.archived, sorted(self.reports), sorted(self.logged - set(self.archived)))
        rest = (self.running, self.champion, self.released)
        return hashlib.sha256(json.dumps([listed, rest], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Record:
    """The history of one name.

    Attributes:
      name: The task's name, the variant's, or what `--name` said.
      nights: Its runs, oldest first.
      champion: The version that a server answers with; "" if none is served.
      events: What happened to its versions, oldest first.
      problem: Why the record of releases cannot be read; "" if it can.
    """

    name: str
    nights: tuple[Night, ...]
    champion: str = ""
    events: tuple[Event, ...] = field(default=())
    problem: str = ""


def names(root: str) -> list[str]:
    """Returns the names that have runs under a root; other people's folders are not among them."""
    try:
        with os.scandir(root) as entries:
            folders = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        name
        for name in folders
        if name not in (SERVING, DATA) and not name.startswith(".") and _ran(root, name)
    )


def _ran(root: str, name: str) -> bool:
    """Says whether a folder is one of runs: each leaves its archive, or at least its log."""
    folder = os.path.join(root, name)
    archived = (
        os.path.exists(run_files.summary_file(folder, run_id))
        for run_id in _listed(os.path.join(folder, run_files.RUNS))
    )
    return any(archived) or bool(_logged(folder))


def look(root: str, name: str) -> Places:
    """Returns what lies under the folder of a name.

    Args:
      root: The folder of all runs.
      name: One of `names(root)`.
    """
    folder = os.path.join(root, name)
    archived, reports = {}, []
    for run_id in _listed(os.path.join(folder, run_files.RUNS)):
        if not (stamp := _stamp(run_files.summary_file(folder, run_id))):
            continue
        archived[run_id] = list(stamp)
        if os.path.exists(run_files.report_page(folder, run_id)):
            reports.append(run_id)
    served = os.path.join(root, SERVING, name)
    try:
        champion = os.path.basename(versions.newest(served) or "")
    except BadInputError:
        champion = ""
    return Places(
        root=root,
        name=name,
        archived=archived,
        reports=frozenset(reports),
        logged=frozenset(_logged(folder)),
        running=_is_running(folder),
        champion=champion,
        released=_stamp(releases.path(served)),
    )


def read(places: Places) -> Record:
    """Returns the history of one name."""
    served = os.path.join(places.root, SERVING, places.name)
    events: tuple[Event, ...] = ()
    problem = ""
    try:
        events = releases.read(served).events
    except BadInputError as error:
        problem = str(error)
    return Record(
        name=places.name,
        nights=tuple(_nights(places)),
        champion=places.champion,
        events=events,
        problem=problem,
    )


def _nights(places: Places) -> list[Night]:
    folder = places.folder
    cached = _read_cache(folder)
    kept: dict[str, Any] = {}
    read: dict[str, Night] = {}
    for run_id, stamp in places.archived.items():
        entry = cached.get(run_id)
        if entry is None or entry["stamp"] != stamp:
            entry = {"stamp": stamp, "night": _read_night(folder, run_id).plain()}
        kept[run_id] = entry
        page = f"{places.name}/{run_files.RUNS}/{run_id}/{run_files.REPORT}"
        read[run_id] = nights.from_plain(
            entry["night"], report=page if run_id in places.reports else ""
        )
    if kept != cached:
        _write_cache(folder, kept)
    without = sorted(places.logged - set(read))
    for run_id in without:
        newest = places.running and run_id == without[-1]
        status = nights.RUNNING if newest else nights.INTERRUPTED
        read[run_id] = nights.without_summary(run_id, status)
    return [read[run_id] for run_id in sorted(read)]


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size


def _is_running(folder: str) -> bool:
    try:
        return time.time() - os.stat(os.path.join(folder, locking.HOLDER)).st_mtime < _ALIVE
    except OSError:
        return False


def _logged(folder: str) -> list[str]:
    names = [Path(name) for name in _listed(os.path.join(folder, run_files.LOGS))]
    return [p.stem for p in names if p.suffix == ".log" and nights.time_of(p.stem)]


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read_night(folder: str, run_id: str) -> Night:
    from pipelines.local.history import summarised

    path = run_files.summary_file(folder, run_id)
    try:
        with open(path, encoding="utf-8") as f:
            return summarised.from_summary(run_id, json.load(f))
    except (OSError, *_NOT_A_NIGHT) as error:
        why = f"{path} cannot be read as a summary ({type(error).__name__}: {error})."
        return nights.without_summary(run_id, nights.UNREADABLE, why)


def _code() -> str:
    """Returns a digest of the code that makes a night of a summary: another one reads them anew."""
    files = (Path(nights.__file__), Path(nights.__file__).with_name("summarised.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _read_cache(folder: str) -> Mapping[str, Any]:
    try:
        with open(os.path.join(folder, CACHE), encoding="utf-8") as f:
            cache = json.load(f)
        same = cache["code"] == _code()
        entries: dict[str, Any] = cache["nights"]
    except (OSError, *_NOT_A_NIGHT):
        return {}
    return entries if same else {}


def _write_cache(folder: str, kept: Mapping[str, Any]) -> None:
    text = json.dumps({"code": _code(), "nights": kept}, separators=(",", ":"), ensure_ascii=False)
    try:
        run_files.replace_file(os.path.join(folder, CACHE), text)
    except OSError:
        return  # A root that can only be read is read without it.


def find(root: str, name: str) -> Record:
    """Returns the history of a name that the command line gave to `--history`.

    Args:
      root: The folder of all runs.
      name: What was given: a name, or as `--task` spells a task.

    Raises:
      BadInputError: If there are no runs of this name.
    """
    known = names(root)
    own = name if name in known else Names(name).own
    if not known:
        raise BadInputError(f"--history: there are no runs under {root} yet; see --root.")
    if own not in known:
        choice = did_you_mean(own, known)
        raise BadInputError(f"--history: a name with runs under {root} {choice}")
    return read(look(root, own))
