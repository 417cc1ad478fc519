"""Pushes or holds a blessed model: each step leaves a state from which the next run goes on.

A version is copied where no server looks, moved to its place, and recorded, in this order. After a
crash between two steps, the same call finds how far the last one came by comparing exports.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.pusher import deciding, finishing, numbering, placing, recording, releases, removing
from components.pusher.releases import Event, Record
from trainer_modules.engine.saved_model import task_asset, versions
from trainer_modules.engine.saved_model.contents import GRAPH_FILE

AUTO = "--promote auto"
_FOUND = "found in the serving folder without an entry in the record"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A blessed model.

    Attributes:
      model: Its SavedModel.
      uri: URI of Trainer's artifact.
      run_id: The run that asks to push it; "" if unknown.
      task: The run's task as JSON.
    """

    model: str
    uri: str
    run_id: str
    task: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has become of it.

    Attributes:
      action: As in `Decision`; `PROMOTE` for a version that was held until now.
      version: Its version; "" if it has none.
      destination: Where it is served from; "" if it is not.
      held_in: Where it waits; "" if it does not.
      reasons: Why it is held or withheld.
    """

    action: str
    version: str
    destination: str = ""
    held_in: str = ""
    reasons: tuple[str, ...] = ()


def push(folder: str, candidate: Candidate, *, hold: Sequence[str] = (), keep: int = 0) -> Outcome:
    """Pushes a model, holds it, or leaves it as it is.

    Args:
      folder: The serving folder.
      candidate: The model.
      hold: Why it is to wait for a decision; empty to push it.
      keep: How many served versions to keep; 0 for all.

    Raises:
      BadInputError: If the record of versions is damaged, or the folder cannot be written to.
    """
    with recording.locked(folder):
        finishing.finish(folder)
        record = releases.read(folder)
        export = identity(candidate.model)
        decision = deciding.decide(
            record, folder, candidate.model, uri=candidate.uri, export=export, hold=hold
        )
        about = _About(candidate=candidate, export=export)
        if decision.action == deciding.WITHHELD:
            return Outcome(
                action=decision.action, version=decision.version, reasons=(decision.reason,)
            )
        if decision.action == deciding.HOLD:
            return _hold(folder, record, about, decision.version, tuple(hold))
        outcome = _serve(folder, record, about, decision)
        removing.keep_newest(folder, keep, run_id=candidate.run_id)
    return outcome


@dataclass(frozen=True, kw_only=True)
class _About:
    """The candidate, and what identifies its export."""

    candidate: Candidate
    export: str

    def event(self, kind: str, version: str, reason: str = "", **more: object) -> Event:
        return Event(
            event=kind,
            version=version,
            model=self.candidate.uri,
            run_id=self.candidate.run_id,
            reason=reason,
            more={"export": self.export, **more},
        )


def _serve(folder: str, record: Record, about: _About, decision: deciding.Decision) -> Outcome:
    """Makes a version the newest that is served, and records it."""
    version, action = decision.version, decision.action
    if action == deciding.UNCHANGED:
        known = record.of_version(version)
        if known is None or known.state != releases.PUSHED:
            recording.append(folder, _found(record, about, version))
            # Without a record the version is older than records; with one, a crash came between
            # moving the version and recording it.
            action = deciding.PUSH if record.exists else action
        place = placing.served(folder, version)
        task_asset.complete(place, about.candidate.task)
        return Outcome(action=action, version=version, destination=place)
    if not record.exists:
        recording.append(folder)
    held_as = version
    if action == deciding.PROMOTE:
        version = _promoted(folder, record, held_as)
    if not version:
        version = numbering.new_version(record, folder, int(time.time()))
        _copy(about.candidate, folder, version, placing.served(folder, version))
    recording.append(folder, _pushed(about, version, held_as))
    return Outcome(action=action, version=version, destination=placing.served(folder, version))


def _pushed(about: _About, version: str, held_as: str) -> Event:
    """Returns the event of a push; `held_as` is the number of a version that was held, else ""."""
    if not held_as:
        return about.event(releases.PUSHED, version)
    more = {releases.HELD_AS: held_as} if held_as != version else {}
    return about.event(releases.PUSHED, version, AUTO, **more)


def _found(record: Record, about: _About, version: str) -> Event:
    """Returns the event of a version that is served and not recorded as such."""
    waiting = record.of_model(about.candidate.uri, about.export)
    more = {}
    if waiting and waiting.state == releases.HELD and waiting.version != version:
        # The crash came while it was pushed under another number than it was held under.
        more = {releases.HELD_AS: waiting.version}
    return about.event(releases.PUSHED, version, _FOUND, **more)


def _promoted(folder: str, record: Record, version: str) -> str:
    """Moves a held version to where it is served; returns its number there.

    That is a new one where a newer version is served, which servers would prefer, and "" where the
    files are gone.
    """
    waiting = placing.held(folder, version)
    if versions.missing_file(waiting):
        return ""
    newest = next(versions.complete(folder), None)
    if newest and newest.number > int(version):
        version = numbering.new_version(record, folder, int(time.time()))
    placing.move(waiting, placing.served(folder, version))
    return version


def _hold(
    folder: str, record: Record, about: _About, version: str, reasons: tuple[str, ...]
) -> Outcome:
    """Keeps a version where no server looks, and records it."""
    if not record.exists:
        recording.append(folder)
    version = version or numbering.new_version(record, folder, int(time.time()))
    place = placing.held(folder, version)
    if versions.missing_file(place):
        placing.delete(place)
        _copy(about.candidate, folder, version, place)
    known = record.of_version(version)
    if known is None or known.state != releases.HELD:
        newest = versions.newest(folder)
        recording.append(
            folder,
            about.event(
                releases.HELD,
                version,
                "; ".join(reasons),
                reasons=list(reasons),
                digest=placing.digest(about.candidate.model),
                served=os.path.basename(newest) if newest else "",
            ),
        )
    return Outcome(action=deciding.HOLD, version=version, held_in=place, reasons=reasons)


def _copy(candidate: Candidate, folder: str, version: str, place: str) -> None:
    """Copies a model to its place, the graph last where there is no renaming, with its task."""
    if "://" in folder:
        target = place
    else:
        target = placing.staged(folder, version)
        placing.delete(target)
    io_utils.copy_dir(candidate.model, target, deny_regex_patterns=[r"saved_model\.pb"])
    task_asset.complete(target, candidate.task)
    graph = os.path.join(candidate.model, GRAPH_FILE)
    if fileio.exists(graph):
        io_utils.copy_file(graph, os.path.join(target, GRAPH_FILE))
    if target != place:
        placing.move(target, place)


def identity(model: str) -> str:
    """Returns what identifies a SavedModel whatever its place, "" if nothing does.

    This is TensorFlow's `singleprint`: hashes of the graph, the signatures and the weights, without
    the random id of each export. A training that is repeated bit by bit makes the same model.
    https://www.tensorflow.org/guide/saved_model#fingerprint
    """
    import tensorflow as tf

    try:
        return str(tf.saved_model.experimental.read_fingerprint(model).singleprint())
    except (ValueError, OSError, RuntimeError):
        return ""
