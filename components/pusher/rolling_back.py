"""Rollback: servers answer with an earlier version again, and go on doing so the next night.

Servers take the highest number that they find: TensorFlow Serving, KServe and this project's own.
So the newer versions move to `withdrawn/`, one renaming each, and no server needs to be told.
"""

from collections.abc import Sequence

from components.pusher import finishing, placing, recording, releases
from components.pusher.releases import Event, Record
from components.pusher.releasing import Decided, check_given, served_version
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions


def rollback(folder: str, version: str = "", *, by: str, reason: str) -> Decided:
    """Makes a version the one that is served; a withdrawn one is restored.

    Args:
      folder: The serving folder.
      version: Its number; "" for the one before the served one. Repeated with the same words and
        without a number, a rollback changes nothing.
      by: Who decides it.
      reason: Why.

    Raises:
      BadInputError: If there is no such version to serve.
    """
    check_given(by=by, reason=reason)
    with recording.locked(folder):
        interrupted = finishing.pending(releases.read(folder))
        finishing.finish(folder)
        record = releases.read(folder)
        served = [v.folder.rpartition("/")[2] for v in versions.complete(folder)]
        if interrupted and version in ("", interrupted.version):
            return _done(folder, interrupted, "the rollback that was interrupted is finished: ")
        repeated = finishing.just_done(record)
        if repeated and not version and (repeated.by, repeated.reason) == (by, reason):
            # The same command again; to go further back, it takes a VERSION.
            return _done(folder, repeated, "already rolled back: ")
        target = _target(folder, record, served, version)
        if served and int(target) == int(served[0]):
            message = f"version {served[0]} is served already"
            return Decided(version=target, served=served[0], message=message)
        withdrawn = [name for name in reversed(served) if int(name) > int(target)]
        _record_all(folder, record, [target, *withdrawn])
        decided = Event(
            event=releases.ROLLED_BACK,
            version=target,
            model=_model(record, target),
            by=by,
            reason=reason,
            more={
                finishing.WITHDRAWS: withdrawn,
                finishing.RESTORES: target not in served,
                "served": served[0] if served else "",
            },
        )
        recording.append(folder, decided)
        finishing.carry_out(folder)
    return _done(folder, decided, "")


def _target(folder: str, record: Record, served: Sequence[str], version: str) -> str:
    """Returns the name of the version to serve.

    Raises:
      BadInputError: If it cannot be served.
    """
    withdrawn = [
        v.folder.rpartition("/")[2]
        for v in versions.complete(placing.withdrawn(folder, "").rstrip("/"))
    ]
    choices = f"served: {_listed(served)}; withdrawn: {_listed(withdrawn)}"
    if not version:
        if len(served) > 1:
            return served[1]
        raise BadInputError(
            f"--rollback: there is no version before {served[0] if served else 'the first'} in "
            f"{folder} ({choices}). Name a withdrawn VERSION to restore it, or run the task."
        )
    if version.isascii() and version.isdigit():
        release = record.of_version(version)
        if release and release.state in (releases.HELD, releases.APPROVED, releases.REFUSED):
            raise BadInputError(
                f"--rollback: version {version} was never served: it is {release.state}. Use "
                "--approve to push it."
            )
        for name in (*served, *withdrawn):
            if int(name) == int(version):
                return name
        if release and release.removed:
            raise BadInputError(
                f"--rollback: the files of version {version} were removed "
                f"({release.events[-1].reason or 'to save space'}). There remain {choices}."
            )
    raise BadInputError(
        f"--rollback: VERSION must be one in {folder} ({choices}). Received: {version}"
    )


def _record_all(folder: str, record: Record, names: Sequence[str]) -> None:
    """Records versions that were pushed before there was a record."""
    unknown = [name for name in names if record.of_version(name) is None]
    reason = "pushed before there was a record"
    made = [Event(event=releases.PUSHED, version=name, reason=reason) for name in sorted(unknown)]
    if made:
        recording.append(folder, *made)


def _done(folder: str, decided: Event, begin: str) -> Decided:
    withdrawn = tuple(decided.more.get(finishing.WITHDRAWS, ()))
    taken = f"; withdrawn: {_listed(withdrawn)}" if withdrawn else ""
    return Decided(
        version=decided.version,
        served=served_version(folder),
        message=f"{begin}version {decided.version} is served{taken}",
        withdrawn=withdrawn,
    )


def _model(record: Record, version: str) -> str:
    release = record.of_version(version)
    return release.model if release else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
