"""Deletes versions that are no longer wanted."""

from components.pusher import placing, recording, releases
from components.pusher.releases import Event, Record
from trainer_modules.engine.saved_model import versions

_INTERRUPTED = "the process that removed it was interrupted"


def finish(folder: str) -> None:
    """Records and deletes what an interrupted process has taken away, and deletes its copies."""
    record = releases.read(folder)
    for version in placing.taken_away(folder):
        release = record.of_version(version)
        if release is None or not release.removed:
            recording.append(folder, _removed(record, version, reason=_INTERRUPTED))
    placing.clear(folder)


def keep_newest(folder: str, keep: int, *, run_id: str = "") -> list[str]:
    """Deletes all but the newest served versions, and withdrawn ones older than those.

    Versions that are held are never deleted, nor is the one that is served.

    Args:
      folder: The serving folder.
      keep: How many served versions to keep; 0 for all.
      run_id: The run on whose behalf.

    Returns:
      The versions that were deleted.
    """
    there = list(versions.newest_first(folder))
    served = [version for version in there if not version.missing]
    if not keep or len(served) <= keep:
        return []
    oldest_kept = served[keep - 1].number
    record = releases.read(folder)
    removed = []
    for place in (folder, placing.withdrawn(folder, "").rstrip("/")):
        for version in versions.newest_first(place):
            if version.number < oldest_kept:
                name = version.folder.rpartition("/")[2]
                rest = placing.take_away(folder, version.folder)
                reason = f"--keep {keep}"
                recording.append(folder, _removed(record, name, reason=reason, run_id=run_id))
                placing.delete(rest)
                removed.append(name)
    return removed


def _removed(record: Record, version: str, *, reason: str, run_id: str = "") -> Event:
    release = record.of_version(version)
    return Event(
        event=releases.REMOVED,
        version=version,
        model=release.model if release else "",
        run_id=run_id,
        reason=reason,
    )
