"""The record of what became of each version: `<serving folder>/releases.jsonl`.

One JSON object a line, only ever appended to:

    {"time": "2026-11-21T03:00:12+00:00", "event": "pushed", "version": "1763694012",
     "model": URI of Trainer's artifact, "run_id": …, "by": …, "reason": …}

| event | meaning |
|---|---|
| `pushed` | the version lies in the serving folder |
| `held` | it waits in `held/<version>` for a decision |
| `approved` | somebody has decided for it; `pushed` follows |
| `refused` | somebody has decided against it; it lies in `withdrawn/<version>` |
| `rolled_back` | the server is to answer with this version again; `withdraws` names the others |
| `withdrawn` | it lies in `withdrawn/<version>`, where no server looks |
| `removed` | its files are deleted, whatever it was before |

Fields that this code does not know are kept. A last line that a crash has torn was never
acknowledged: reading passes over it and says so, and the next writing cuts it off.

`recording.py` writes it. Importing this module is cheap, and so is reading a local record:
TensorFlow is imported only for remote ones.
"""

import datetime
import json
import logging
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets

RECORD = "releases.jsonl"
# Folders beside the versions; servers look only at names that are numbers.
HELD_FOLDER, WITHDRAWN_FOLDER = "held", "withdrawn"

PUSHED, HELD, APPROVED, REFUSED = "pushed", "held", "approved", "refused"
ROLLED_BACK, WITHDRAWN, REMOVED = "rolled_back", "withdrawn", "removed"
EVENTS = (PUSHED, HELD, APPROVED, REFUSED, ROLLED_BACK, WITHDRAWN, REMOVED)
# A field of `pushed`: the number under which the version was held.
HELD_AS = "held_as"
_log = logging.getLogger("tfx_vision")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the record.

    Attributes:
      event: One of `EVENTS`.
      version: The version's folder name.
      model: URI of Trainer's artifact; "" if unknown.
      run_id: The run that pushed or held it; "" for what a person did.
      by: Who; "" for a run.
      reason: Why; "" for an ordinary push.
      time: When, ISO 8601 in UTC; "" for now.
      more: Further fields: `export` identifies the SavedModel whatever its place.
    """

    event: str
    version: str
    model: str = ""
    run_id: str = ""
    by: str = ""
    reason: str = ""
    time: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The event as one line of JSON."""
        own = {name: getattr(self, name) for name in _FIELDS}
        own["time"] = self.time or _now()
        return json.dumps({**own, **self.more}, ensure_ascii=False) + "\n"


_FIELDS = ("time", "event", "version", "model", "run_id", "by", "reason")


@dataclass(frozen=True, kw_only=True)
class Release:
    """One version and all that happened to it.

    Attributes:
      version: Its folder name, a whole number.
      events: What happened, the oldest first; at least one.
    """

    version: str
    events: tuple[Event, ...]

    @property
    def number(self) -> int:
        """The version as a number; a higher one is newer."""
        return int(self.version)

    @property
    def state(self) -> str:
        """`pushed`, `held`, `approved` (but not pushed yet), `refused` or `withdrawn`.

        Removing the files changes no verdict: a withdrawn version whose files are deleted remains
        withdrawn.
        """
        last = next((e.event for e in reversed(self.events) if e.event != REMOVED), REMOVED)
        return PUSHED if last == ROLLED_BACK else last

    @property
    def removed(self) -> bool:
        """Whether its files were deleted to save space."""
        return self.events[-1].event == REMOVED

    @property
    def model(self) -> str:
        """URI of Trainer's artifact; "" if unknown."""
        return self.first("model")

    @property
    def export(self) -> str:
        """What identifies its SavedModel whatever the place; "" if unknown."""
        return self.first("export")

    def first(self, name: str) -> str:
        """Returns the first value of a field that is not empty; "" if there is none."""
        values = (getattr(e, name, None) or e.more.get(name) for e in self.events)
        return str(next(filter(None, values), ""))

    def latest(self, *events: str) -> Event | None:
        """Returns the newest of the given kinds of events; None if there is none."""
        return next((e for e in reversed(self.events) if e.event in events), None)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What has happened in a serving folder.

    Attributes:
      events: Everything, the oldest first.
      exists: Whether there is a record at all; folders of earlier versions of this code have none.
      torn: A last line that a crash has left incomplete; "" if there is none.
    """

    events: tuple[Event, ...] = ()
    exists: bool = False
    torn: str = ""

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every version that the record names, the oldest number first.

        A version that was held under one number and pushed under another is one version.
        """
        renumbered = self._renumbered
        of: dict[str, list[Event]] = {}
        for event in self.events:
            of.setdefault(renumbered.get(event.version, event.version), []).append(event)
        made = (Release(version=version, events=tuple(events)) for version, events in of.items())
        return tuple(sorted(made, key=lambda release: release.number))

    def in_state(self, *states: str) -> tuple[Release, ...]:
        """Returns the versions in one of these states, the oldest first."""
        return tuple(release for release in self.releases if release.state in states)

    @property
    def standing(self) -> tuple[Release, ...]:
        """Promoted and not withdrawn, the oldest first; the last one that exists is served."""
        return self.in_state(PUSHED)

    @property
    def held(self) -> tuple[Release, ...]:
        """Waiting for a decision (or approved but not pushed yet), the oldest first."""
        return self.in_state(HELD, APPROVED)

    @property
    def passed_over(self) -> frozenset[str]:
        """URIs of the models that no new one is compared with or started from.

        These are models held, refused or withdrawn, unless the same model also stands under another
        version.
        """
        standing = {release.model for release in self.standing}
        others = {r.model for r in self.in_state(HELD, APPROVED, REFUSED, WITHDRAWN)}
        return frozenset(others - standing - {""})

    def of_version(self, version: str) -> Release | None:
        """Returns what happened to a version, by number; None if the record does not name it."""
        number = int(self._renumbered.get(version, version))
        return next((r for r in self.releases if r.number == number), None)

    @property
    def _renumbered(self) -> dict[str, str]:
        """Number under which a version was held → the one under which it was pushed."""
        return {str(e.more[HELD_AS]): e.version for e in self.events if e.more.get(HELD_AS)}

    def of_model(self, model: str, export: str = "") -> Release | None:
        """Returns the newest version made from a model; None if there is none.

        Args:
          model: URI of Trainer's artifact.
          export: What identifies its SavedModel; "" to look for the URI alone.
        """
        for release in reversed(self.releases):
            if release.model == model or (export and release.export == export):
                return release
        return None


def path(folder: str) -> str:
    """Returns where the record of a serving folder is."""
    return posixpath.join(folder, RECORD)


def read(folder: str) -> Record:
    """Reads the record of a serving folder; an empty one if there is none.

    Raises:
      BadInputError: If the record cannot be read, or a line other than the last is damaged.
    """
    content = assets.content(path(folder))
    if content is None:
        return Record()
    whole, tail = split(content)
    if tail:
        _log.warning("%s ends in a torn line, which is passed over: %r", path(folder), tail[:80])
    events = tuple(_event(line, path(folder), i + 1) for i, line in enumerate(whole))
    return Record(events=events, exists=True, torn=tail.decode("utf-8", "replace"))


def split(content: bytes) -> tuple[list[bytes], bytes]:
    """Returns the whole lines of a record, and what a crash has torn of the last one."""
    *whole, tail = content.split(b"\n")
    if tail and _is_json(tail):
        # Complete but for the end of its line.
        whole, tail = [*whole, tail], b""
    return [line for line in whole if line.strip()], tail


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _event(line: bytes, where: str, number: int) -> Event:
    try:
        fields = json.loads(line)
        own = {name: str(fields.pop(name, "") or "") for name in _FIELDS}
        int(own["version"])
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"{where}, line {number}, must be a JSON object with an event and the number of a "
            f"version. Received: {line[:80].decode('utf-8', 'replace')!r}. Correct or delete the "
            "line; nothing is pushed until then."
        ) from error
    return Event(**own, more=fields)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
