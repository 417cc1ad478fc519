"""What Pusher is to do with a blessed model, by what the record says of it and of its like."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.pusher import placing, releases
from components.pusher.releases import Record, Release
from components.pusher.served_versions import same_export
from trainer_modules.engine.saved_model import versions

PUSH, UNCHANGED, HOLD, PROMOTE, WITHHELD = "push", "unchanged", "hold", "promote", "withheld"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a blessed model.

    Attributes:
      action: `PUSH` it as a new version; `HOLD` it as one, or go on holding it; `PROMOTE` the held
        version that it is; or leave it: it is `UNCHANGED` as the served version, or `WITHHELD`
        because somebody withdrew or refused it.
      version: The version that it already is; "" if it is none yet.
      reason: Why it is withheld; else "".
    """

    action: str
    version: str = ""
    reason: str = ""


def decide(
    record: Record, folder: str, model: str, *, uri: str, export: str, hold: Sequence[str]
) -> Decision:
    """Decides about a blessed model.

    Args:
      record: What has happened in the serving folder.
      folder: The serving folder.
      model: The SavedModel.
      uri: URI of Trainer's artifact.
      export: What identifies the SavedModel whatever its place.
      hold: Why it is to wait for a decision; empty to push it.
    """
    newest = versions.newest(folder)
    if newest is not None and (same_export(newest, model) or _is(record, newest, export)):
        return Decision(action=UNCHANGED, version=_name(newest))
    mine = record.of_model(uri, export)
    state = mine.state if mine else ""
    if mine and state in (releases.WITHDRAWN, releases.REFUSED):
        return Decision(action=WITHHELD, version=mine.version, reason=against(mine))
    if mine and state in (releases.HELD, releases.APPROVED):
        waits = state == releases.HELD and bool(hold)
        return Decision(action=HOLD if waits else PROMOTE, version=mine.version)
    if elsewhere := _copy_in(placing.withdrawn(folder, ""), model):
        known = record.of_version(elsewhere)
        decided = known is not None and known.latest(releases.WITHDRAWN, releases.REFUSED)
        reason = against(known) if known and decided else f"version {elsewhere} was withdrawn"
        return Decision(action=WITHHELD, version=elsewhere, reason=reason)
    if hold:
        # A crash may have come between placing it there and recording it.
        return Decision(action=HOLD, version=_copy_in(placing.held(folder, ""), model))
    return Decision(action=PUSH)


def _is(record: Record, served: str, export: str) -> bool:
    """Says whether a served version was made from the same graph and weights.

    A repeated training, after a file was merely touched for example, may end at the same bits in
    an export of its own.
    """
    release = record.of_version(_name(served))
    return bool(export) and release is not None and release.export == export


def against(release: Release) -> str:
    """Returns who decided against a version, when and why."""
    event = release.latest(releases.WITHDRAWN, releases.REFUSED)
    assert event is not None
    who = f" by {event.by}" if event.by else ""
    why = f": {event.reason}" if event.reason else ""
    return f"version {release.version} was {event.event}{who} at {event.time}{why}"


def _copy_in(place: str, model: str) -> str:
    """Returns the newest version in a place that is a copy of a model; "" if there is none."""
    for version in versions.complete(place.rstrip("/")):
        if same_export(version.folder, model):
            return _name(version.folder)
    return ""


def _name(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]
