"""Carries decisions out: what is recorded as decided, and has not happened yet.

A decision is recorded before a file moves. Whoever made it calls this next, and so does whoever
changes the folder after a crash in between.
"""

from components.pusher import placing, recording, releases, removing
from components.pusher.releases import Event, Record, Release
from trainer_modules.engine.saved_model import versions

# Fields of `rolled_back`: the versions that it withdraws, and whether it restores its own.
WITHDRAWS, RESTORES = "withdraws", "restores"
# A field of `approved`: the number under which the version is pushed.
PUSH_AS = "push_as"


def finish(folder: str) -> None:
    """Ends what an interrupted process has begun in a serving folder, and deletes its remains."""
    removing.finish(folder)
    carry_out(folder)


def carry_out(folder: str) -> None:
    """Pushes approved versions, lays refused ones aside, and withdraws those rolled back from."""
    record = releases.read(folder)
    for release in record.in_state(releases.REFUSED):
        if placing.exists(place := placing.held(folder, release.version)):
            placing.move(place, placing.withdrawn(folder, release.version))
    for release in record.in_state(releases.APPROVED):
        _push(folder, release)
    _withdraw(folder, record)


def waiting_in(folder: str, release: Release) -> str:
    """Returns where a held or refused version's files are; "" if there are none."""
    for place in (placing.held, placing.withdrawn):
        files = place(folder, release.version)
        if not versions.missing_file(files):
            return files
    return ""


def _push(folder: str, release: Release) -> None:
    """Moves an approved version to where it is served, and records it."""
    approval = release.latest(releases.APPROVED)
    assert approval is not None
    number = str(approval.more.get(PUSH_AS) or release.version)
    target = placing.served(folder, number)
    if place := waiting_in(folder, release):
        placing.move(place, target)
    if versions.missing_file(target):
        return  # Its files are lost: it stays approved, and a run that makes it again pushes it.
    more = {"export": release.export} if release.export else {}
    if number != release.version:
        more[releases.HELD_AS] = release.version
    recording.append(
        folder,
        Event(
            event=releases.PUSHED,
            version=number,
            model=release.model,
            run_id=release.first("run_id"),
            by=approval.by,
            reason=approval.reason,
            more=more,
        ),
    )


def pending(record: Record) -> Event | None:
    """Returns the last rollback if not all that it withdraws is recorded as withdrawn."""
    decided, since = _last_rollback(record)
    done = {event.version for event in since if event.event == releases.WITHDRAWN}
    return decided if decided and set(decided.more.get(WITHDRAWS, [])) - done else None


def just_done(record: Record) -> Event | None:
    """Returns the last rollback if nothing has happened after it."""
    decided, since = _last_rollback(record)
    return decided if all(event.event == releases.WITHDRAWN for event in since) else None


def _withdraw(folder: str, record: Record) -> None:
    """Carries out the last rollback as far as that has not happened.

    The version that is to be served is put back first, then newer ones are withdrawn, the oldest
    first: a server that looks in between sees the version before or the one after, and no other.

    Args:
      folder: The serving folder.
      record: Its record, the rollback in it.
    """
    decided, since = _last_rollback(record)
    if decided is None:
        return
    if decided.more.get(RESTORES):
        _restore(folder, record, decided.version)
    done = {event.version for event in since if event.event == releases.WITHDRAWN}
    for version in sorted(set(decided.more.get(WITHDRAWS, [])) - done, key=int):
        if placing.exists(place := placing.served(folder, version)):
            placing.move(place, placing.withdrawn(folder, version))
        recording.append(folder, _withdrawn(record, version, decided))


def _last_rollback(record: Record) -> tuple[Event | None, tuple[Event, ...]]:
    """Returns the last rollback, None if there is none, and what has happened since."""
    for i in range(len(record.events) - 1, -1, -1):
        if record.events[i].event == releases.ROLLED_BACK:
            return record.events[i], record.events[i + 1 :]
    return None, ()


def _restore(folder: str, record: Record, version: str) -> None:
    """Puts a withdrawn version back that stands according to the record."""
    release = record.of_version(version)
    place = placing.withdrawn(folder, version)
    if release is None or release.state != releases.PUSHED or versions.missing_file(place):
        return
    placing.move(place, placing.served(folder, version))


def _withdrawn(record: Record, version: str, decided: Event) -> Event:
    release = record.of_version(version)
    return Event(
        event=releases.WITHDRAWN,
        version=version,
        model=release.model if release else "",
        by=decided.by,
        reason=decided.reason,
        more={"export": release.export} if release and release.export else {},
    )
