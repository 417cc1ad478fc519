"""Moves versions between the places of a serving folder, so that a server never sees half of one.

    <version>/             served; TF Serving, KServe and our server look at numbers alone
    held/<version>/        waits for a decision
    withdrawn/<version>/   was served
    .staged/…              is being copied or deleted; whoever changes the folder next clears it

On this machine a version moves by one renaming. A bucket has none: there the graph is copied last
and deleted first, which is what servers take for the sign of a version.
"""

import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterator

from components.pusher import releases
from trainer_modules.engine.saved_model.contents import GRAPH_FILE, TASK_ASSET

STAGED_FOLDER = ".staged"
_REMOVED = "removed-"
# Pushing completes the task, and the card comes later: neither is part of what was judged.
_ADDED = (f"assets/{TASK_ASSET}", "MODEL_CARD.md")


def served(folder: str, version: str) -> str:
    """Returns where a version is served from."""
    return posixpath.join(folder, version)


def held(folder: str, version: str) -> str:
    """Returns where a version waits for a decision."""
    return posixpath.join(folder, releases.HELD_FOLDER, version)


def withdrawn(folder: str, version: str) -> str:
    """Returns where a withdrawn version lies."""
    return posixpath.join(folder, releases.WITHDRAWN_FOLDER, version)


def staged(folder: str, version: str) -> str:
    """Returns where a version is copied to before it moves to its place."""
    return posixpath.join(folder, STAGED_FOLDER, version)


def move(source: str, target: str) -> None:
    """Moves a version; its target must not exist, except as the rest of an interrupted move."""
    if "://" not in source:
        os.makedirs(posixpath.dirname(target), exist_ok=True)
        os.rename(source, target)
        return
    import tensorflow as tf

    files = sorted(_files(source), key=lambda name: name == GRAPH_FILE)
    for name in files:
        place = posixpath.join(target, name)
        tf.io.gfile.makedirs(posixpath.dirname(place))
        tf.io.gfile.copy(posixpath.join(source, name), place, overwrite=True)
    delete(source)


def delete(place: str) -> None:
    """Deletes a version's files; what does not exist is deleted already."""
    if "://" not in place:
        shutil.rmtree(place, ignore_errors=True)
        return
    import tensorflow as tf

    graph = posixpath.join(place, GRAPH_FILE)
    if tf.io.gfile.exists(graph):
        tf.io.gfile.remove(graph)
    if tf.io.gfile.isdir(place):
        tf.io.gfile.rmtree(place)


def take_away(folder: str, place: str) -> str:
    """Takes a version out of a server's sight at once; returns where to `delete` it.

    In a bucket that is where it lies.
    """
    if "://" in place:
        return place
    rest = staged(folder, _REMOVED + posixpath.basename(place))
    delete(rest)
    move(place, rest)
    return rest


def taken_away(folder: str) -> list[str]:
    """Returns the versions that were taken away and not deleted yet."""
    place = posixpath.join(folder, STAGED_FOLDER)
    names = os.listdir(place) if "://" not in place and os.path.isdir(place) else []
    return sorted(name.removeprefix(_REMOVED) for name in names if name.startswith(_REMOVED))


def clear(folder: str) -> None:
    """Deletes what interrupted copies and deletions have left."""
    delete(posixpath.join(folder, STAGED_FOLDER))


def exists(place: str) -> bool:
    """Says whether a version lies in a place, complete or not."""
    if "://" not in place:
        return os.path.isdir(place)
    import tensorflow as tf

    return bool(tf.io.gfile.isdir(place))


def digest(model: str) -> str:
    """Returns the SHA-256 of the names and bytes of a SavedModel, without what pushing adds."""
    whole = hashlib.sha256()
    for name in sorted(set(_files(model)) - set(_ADDED)):
        whole.update(f"{name}\0{_hash(posixpath.join(model, name))}\n".encode())
    return whole.hexdigest()


def _files(folder: str) -> Iterator[str]:
    """Yields the paths of all files in a folder, relative to it."""
    if "://" in folder:
        import tensorflow as tf

        walked = tf.io.gfile.walk(folder)
    else:
        walked = os.walk(folder)
    for path, _, names in walked:
        for name in names:
            yield posixpath.relpath(posixpath.join(path, name), folder)


def _hash(path: str) -> str:
    if "://" in path:
        from trainer_modules.engine.saved_model import assets

        return hashlib.sha256(assets.content(path) or b"").hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
