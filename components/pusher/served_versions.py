"""Served versions and a candidate: the version to compare with, and the candidate's own export."""

import os
from collections.abc import Callable, Iterator

from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.pusher import placing, releases, served
from trainer_modules.engine.saved_model import assets, versions
from trainer_modules.engine.saved_model.contents import TASK_ASSET

# TensorFlow writes it with every export; it holds checksums and an id of that export alone.
_FINGERPRINT = "fingerprint.pb"
_TASK = os.path.join("assets", TASK_ASSET)


def newest_but(candidate: str, serving_folder: str) -> str | None:
    """Returns the newest version of a candidate's classes that is not its own export.

    If no version has the same classes, this is the newest that shares some of them, or else the
    newest. A run whose own model is already served compares with the same version as before the
    push.

    Args:
      candidate: URI of a Model artifact.
      serving_folder: The folder of versions.
    """
    model = path_utils.serving_model_dir(candidate)
    others = [
        version.folder
        for version in versions.complete(serving_folder)
        if not same_export(version.folder, model)
    ]
    return served.best_match(others, assets.classes(model))


def not_promoted(serving_folder: str) -> Callable[[str], bool]:
    """Returns a function that says of a Model artifact's URI whether no model is to follow it.

    These are the models that wait for a decision, and those that somebody refused or withdrew: a
    new one is compared with what is served. A version that was pushed before there was a record is
    told by its export.

    Args:
      serving_folder: The folder of versions; "" to say so of none.

    Raises:
      BadInputError: If the record of versions is damaged.
    """
    if not serving_folder:
        return frozenset[str]().__contains__
    record = releases.read(serving_folder)
    known = {release.number for release in record.releases if release.model}
    unknown = [
        version.folder
        for version in versions.complete(placing.withdrawn(serving_folder, "").rstrip("/"))
        if version.number not in known
    ]

    def is_one(uri: str) -> bool:
        if uri in record.passed_over:
            return True
        model = path_utils.serving_model_dir(uri)
        return any(same_export(version, model) for version in unknown)

    return is_one


def same_export(pushed: str, model: str) -> bool:
    """Says whether a pushed version is a complete copy of the SavedModel in `model`.

    An interrupted push may have written the fingerprint but not the weights, so every file must
    exist with the right size. There may be further files, such as the model card; and the task is
    of another size, since pushing completes it.
    """
    sizes = {os.path.relpath(path, model): size for path, size in _files(model)}
    sizes.pop(_TASK, None)
    there = {os.path.relpath(path, pushed): size for path, size in _files(pushed)}
    if not sizes.get(_FINGERPRINT) or not sizes.items() <= there.items():
        return False
    first, other = (os.path.join(folder, _FINGERPRINT) for folder in (pushed, model))
    return _read(first) == _read(other)


def _files(folder: str) -> Iterator[tuple[str, int]]:
    import tensorflow as tf

    for path, _, names in tf.io.gfile.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            yield file, tf.io.gfile.stat(file).length


def _read(path: str) -> bytes:
    with fileio.open(path, "rb") as f:
        return bytes(f.read())
