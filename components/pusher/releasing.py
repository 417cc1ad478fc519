"""What a person decides about versions: approve a held one, refuse it, or roll back.

Each decision is recorded before a file moves, with who and why. Interrupted anywhere, the same call
finishes what it began; so does whatever changes the folder next. Nothing is computed anew, and on a
local folder neither TensorFlow nor TFX is imported.
"""

import time
from dataclasses import dataclass

from components.pusher import finishing, numbering, placing, recording, releases
from components.pusher.releases import Event, Record, Release
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions

LATEST = "latest"


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a decision has led to.

    Attributes:
      version: The version that it was about.
      served: The version that servers answer with now; "" for none.
      message: What has happened, a sentence without a full stop.
      notes: What whoever decided should know, sentences.
      withdrawn: The versions that a rollback withdrew.
    """

    version: str
    served: str
    message: str
    notes: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def approve(folder: str, version: str, *, by: str, reason: str, as_newest: bool = False) -> Decided:
    """Pushes a held version: the very bytes that were judged.

    Args:
      folder: The serving folder.
      version: Its number, or `LATEST` for the newest that is held.
      by: Who approves it.
      reason: Why.
      as_newest: Push it even if a newer version is served; it then gets a new number.

    Raises:
      BadInputError: If it is not held, its bytes are not those that were judged, or a newer version
        is served.
    """
    check_given(by=by, reason=reason)
    with recording.locked(folder):
        interrupted = releases.read(folder).in_state(releases.APPROVED)
        finishing.finish(folder)
        record = releases.read(folder)
        if version == LATEST:
            version = interrupted[-1].version if interrupted else _said_last(record, by, reason)
        release = _held(record, version, folder, "--approve")
        if release.state == releases.PUSHED:
            return _already(folder, release, releases.PUSHED)
        if release.state == releases.WITHDRAWN:
            raise BadInputError(
                f"--approve: version {release.version} was pushed and withdrawn. To serve it "
                f"again, use --rollback with VERSION {release.version}."
            )
        served = served_version(folder)
        newer = served != "" and int(served) > release.number
        if newer and not as_newest:
            raise BadInputError(
                f"--approve: version {release.version} was held before version {served} was "
                f"pushed, which is served now and would be replaced by an older model. To push it "
                "all the same, as a new version, add --as-newest."
            )
        _check_files(folder, release)
        number = release.version
        if newer:
            number = numbering.new_version(record, folder, int(time.time()))
        more = {finishing.PUSH_AS: number}
        recording.append(folder, _event(releases.APPROVED, release, by=by, reason=reason, **more))
        finishing.carry_out(folder)
    as_new = f" as version {number}" if number != release.version else ""
    return Decided(
        version=release.version,
        served=served_version(folder),
        message=f"version {release.version} is approved and pushed{as_new}",
        notes=_changed_since(release, served),
    )


def refuse(folder: str, version: str, *, by: str, reason: str) -> Decided:
    """Decides against a held version, which is then never pushed by a run.

    Args:
      folder: The serving folder.
      version: Its number, or `LATEST` for the newest that is held.
      by: Who refuses it.
      reason: Why.

    Raises:
      BadInputError: If it is not held.
    """
    check_given(by=by, reason=reason)
    with recording.locked(folder):
        finishing.finish(folder)
        record = releases.read(folder)
        if version == LATEST:
            version = _said_last(record, by, reason)
        release = _held(record, version, folder, "--refuse")
        if release.state == releases.REFUSED:
            return _already(folder, release, releases.REFUSED)
        if release.state in (releases.PUSHED, releases.WITHDRAWN):
            raise BadInputError(
                f"--refuse: version {release.version} is pushed already. To serve the version "
                "before it, use --rollback."
            )
        recording.append(folder, _event(releases.REFUSED, release, by=by, reason=reason))
        finishing.carry_out(folder)
    return Decided(
        version=release.version,
        served=served_version(folder),
        message=f"version {release.version} is refused",
    )


def _said_last(record: Record, by: str, reason: str) -> str:
    """Returns the version that the same words have just decided about, else `LATEST`.

    The same command again is about the same version, and not about the next that is held.
    """
    last = record.events[-1] if record.events else None
    decided = last is not None and last.event in (releases.PUSHED, releases.REFUSED)
    if last is not None and decided and (last.by, last.reason) == (by, reason):
        return last.version
    return LATEST


def check_given(**given: str) -> None:
    """Raises BadInputError if nobody, or no reason, is given for a decision."""
    for name, value in given.items():
        if not value.strip():
            raise BadInputError(
                f"--{name} must say {'who decides' if name == 'by' else 'why'}. Received: {value!r}"
            )


def _held(record: Record, version: str, folder: str, option: str) -> Release:
    """Returns the version that a decision is about, if it is or was held.

    Raises:
      BadInputError: If there is no such version, or it was never held.
    """
    held = record.held
    if version == LATEST and held:
        return held[-1]
    if version.isascii() and version.isdigit():
        release = record.of_version(version)
        if release is not None and release.latest(releases.HELD):
            return release
    names = ", ".join(release.version for release in held) or "none"
    raise BadInputError(
        f"{option}: VERSION must be one that is held in {folder} (held: {names}), or {LATEST}. "
        f"Received: {version}"
    )


def _check_files(folder: str, release: Release) -> None:
    """Checks that a version's bytes are those that were judged.

    Raises:
      BadInputError: If they are not, or are gone.
    """
    place = finishing.waiting_in(folder, release)
    if not place:
        raise BadInputError(
            f"--approve: the files of version {release.version} are gone from "
            f"{placing.held(folder, release.version)}. Run the task again to hold it anew."
        )
    judged = release.first("digest")
    if judged and placing.digest(place) != judged:
        raise BadInputError(
            f"--approve: {place} is not what was judged: its files have changed since (SHA-256 "
            f"{judged[:16]}…). It is not pushed. Delete the folder and run the task again to hold "
            "the model anew."
        )


def _already(folder: str, release: Release, state: str) -> Decided:
    event = release.latest(state)
    who = f" by {event.by}" if event and event.by else ""
    when = f" at {event.time}" if event else ""
    return Decided(
        version=release.version,
        served=served_version(folder),
        message=f"version {release.version} was already {state}{who}{when}",
    )


def _changed_since(release: Release, served: str) -> tuple[str, ...]:
    """Returns what has changed between a version's judgement and its approval."""
    held = release.latest(releases.HELD)
    before = str(held.more.get("served", "")) if held else ""
    if not held or before == served:
        return ()
    return (
        f"When it was judged, {f'version {before}' if before else 'no version'} was served; until "
        f"its approval it was {f'version {served}' if served else 'none'}.",
    )


def _event(kind: str, release: Release, *, by: str, reason: str, **more: str) -> Event:
    if release.export:
        more["export"] = release.export
    return Event(
        event=kind, version=release.version, model=release.model, by=by, reason=reason, more=more
    )


def served_version(folder: str) -> str:
    """Returns the name of the version that servers answer with; "" for none."""
    newest = versions.newest(folder)
    return newest.rstrip("/").rpartition("/")[2] if newest else ""
