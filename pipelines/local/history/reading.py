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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.local import run_files
from pipelines.local.history import night as nights
from pipelines.local.history.night import Night
from pipelines.names import Names
from pipelines.task_files.spelling import DATA, SERVING
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.saved_model import versions

CACHE = ".history.json"
_NOT_A_NIGHT = (ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The history of one name.

    Attributes:
      name: The task's name, the variant's, or what `--name` said.
      nights: Its runs, oldest first.
      champion: The version that a server answers with; "" if none is served.
      releases: The entries of `releases.jsonl`, oldest first.
    """

    name: str
    nights: tuple[Night, ...]
    champion: str
    releases: tuple[dict[str, Any], ...]


def names(root: str) -> list[str]:
    """Returns the names that have runs under a root; other people's folders are not among them."""
    try:
        with os.scandir(root) as entries:
            folders = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in folders if name not in (SERVING, DATA) and _ran(root, name))


def _ran(root: str, name: str) -> bool:
    """Says whether a folder is one of runs: each leaves its archive, or at least its log."""
    folder = os.path.join(root, name)
    return bool(_archived(folder)) or bool(_logged(folder))


def read(root: str, name: str) -> Record:
    """Returns the history of one name.

    Args:
      root: The folder of all runs.
      name: One of `names(root)`.
    """
    folder = os.path.join(root, name)
    served = os.path.join(root, SERVING, name)
    try:
        champion = os.path.basename(versions.newest(served) or "")
    except BadInputError:
        champion = ""
    return Record(
        name=name,
        nights=tuple(_nights(folder, name)),
        champion=champion,
        releases=tuple(_releases(served)),
    )


def _nights(folder: str, name: str) -> list[Night]:
    cached = _read_cache(folder)
    kept: dict[str, Any] = {}
    read: dict[str, Night] = {}
    for run_id, stamp in _archived(folder).items():
        entry = cached.get(run_id)
        if entry is None or entry["stamp"] != stamp:
            entry = {"stamp": stamp, "night": _read_night(folder, run_id).plain()}
        kept[run_id] = entry
        read[run_id] = nights.from_plain(entry["night"])
    if kept != cached:
        _write_cache(folder, kept)
    for run_id in set(_logged(folder)) - set(read):
        read[run_id] = nights.without_summary(run_id, nights.INTERRUPTED)
    return [_with_report(folder, name, read[run_id]) for run_id in sorted(read)]


def _archived(folder: str) -> dict[str, list[int]]:
    """Returns the ids of archived runs, each with the time and size of its summary."""
    stamps = {}
    for run_id in _listed(os.path.join(folder, run_files.RUNS)):
        try:
            status = os.stat(run_files.summary_file(folder, run_id))
        except OSError:
            continue
        stamps[run_id] = [status.st_mtime_ns, status.st_size]
    return stamps


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


def _with_report(folder: str, name: str, night: Night) -> Night:
    page = run_files.report_page(folder, night.run_id)
    if not os.path.exists(page):
        return night
    return replace(night, report="/".join((name, os.path.relpath(page, folder))))


def _releases(served: str) -> Iterator[dict[str, Any]]:
    try:
        text = Path(served, "releases.jsonl").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry:
            yield entry


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


def find(root: str, name: str, option: str) -> Record:
    """Returns the history of a name that the command line gave.

    Args:
      root: The folder of all runs.
      name: What was given; a variant may be written `mnist:b`.
      option: The option that it was given to, for the message.

    Raises:
      BadInputError: If there are no runs of this name.
    """
    known = names(root)
    own = Names(name).own
    if own not in known:
        if not known:
            raise BadInputError(f"{option}: there are no runs under {root} yet; see --root.")
        raise BadInputError(f"{option}: a name with runs under {root} {did_you_mean(own, known)}")
    return read(root, own)
