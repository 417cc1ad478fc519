"""The versions under a serving folder: which is the newest, and which is a model's own export."""

import os
from collections.abc import Iterator

from tfx.dsl.io import fileio
from tfx.utils import path_utils

# TensorFlow writes it with every export; it holds checksums and an id of that export alone.
_FINGERPRINT = "fingerprint.pb"


def whole_versions(serving_folder: str) -> list[str]:
    """Returns the folders of versions, the highest number first; [] where nothing is served."""
    if not fileio.exists(serving_folder):
        return []
    names = [name.strip("/") for name in fileio.listdir(serving_folder)]
    numbers = sorted((name for name in names if name.isdigit()), key=int, reverse=True)
    folders = [os.path.join(serving_folder, number) for number in numbers]
    # A push that was cut short has no graph.
    return [folder for folder in folders if fileio.exists(os.path.join(folder, "saved_model.pb"))]


def newest_version(serving_folder: str) -> str | None:
    """Returns the folder of the highest-numbered version, or None where nothing is served."""
    return next(iter(whole_versions(serving_folder)), None)


def newest_but(candidate: str, serving_folder: str) -> str | None:
    """Returns the newest version that is not the export of a candidate.

    A run that finds its own model served compares with what it was compared with before it was
    pushed.

    Args:
      candidate: URI of a Model artifact.
      serving_folder: The folder of versions.
    """
    model = path_utils.serving_model_dir(candidate)
    versions = whole_versions(serving_folder)
    return next((version for version in versions if not same_export(version, model)), None)


def same_export(pushed: str, model: str) -> bool:
    """Says whether a pushed version is the export of a SavedModel in `model`, and whole.

    A push that was killed may have left the fingerprint and not the weights: every file must be
    there in its size. Beside them there may be others, such as the model's card.
    """
    sizes = {os.path.relpath(path, model): size for path, size in _files(model)}
    there = {os.path.relpath(path, pushed): size for path, size in _files(pushed)}
    if not sizes.get(_FINGERPRINT) or not sizes.items() <= there.items():
        return False
    one, other = (os.path.join(folder, _FINGERPRINT) for folder in (pushed, model))
    return _read(one) == _read(other)


def _files(folder: str) -> Iterator[tuple[str, int]]:
    import tensorflow as tf

    for path, _, names in tf.io.gfile.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            yield file, tf.io.gfile.stat(file).length


def _read(path: str) -> bytes:
    with fileio.open(path, "rb") as f:
        return bytes(f.read())
