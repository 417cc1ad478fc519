"""Writes the record of versions, and keeps two processes from changing a serving folder at once."""

import contextlib
import fcntl
import os
import posixpath
from collections.abc import Iterator

from components.pusher import releases
from components.pusher.releases import Event
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets

_LOCK = ".releases.lock"


def append(folder: str, *events: Event) -> None:
    """Adds events to the record of a serving folder, which is made if there is none.

    When this returns, they survive a crash of the machine.
    """
    text = "".join(event.line for event in events).encode()
    if "://" in folder:
        _append_remote(releases.path(folder), text)
        return
    os.makedirs(folder, exist_ok=True)
    with open(releases.path(folder), "a+b") as file:
        file.seek(0)
        content = file.read()
        _, tail = releases.split(content)
        if tail:
            file.truncate(len(content) - len(tail))
        elif content and not content.endswith(b"\n"):
            text = b"\n" + text
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(folder)


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Waits until no other process changes a local serving folder, and keeps others out.

    The lock is held for seconds, while files are moved, and never during a training; so a rollback
    need not wait for a run. The operating system releases it when its holder dies. There is no lock
    in a bucket.
    """
    if "://" in folder:
        yield
        return
    try:
        os.makedirs(folder, exist_ok=True)
        file = open(posixpath.join(folder, _LOCK), "a", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise BadInputError(f"{folder} cannot be written to: {error.strerror}.") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _append_remote(remote: str, text: bytes) -> None:
    """Replaces a remote record by one with further lines, as a whole or not at all."""
    import tensorflow as tf

    content = assets.content(remote) or b""
    _, tail = releases.split(content)
    kept = content[: len(content) - len(tail)] if tail else content
    between = b"\n" if kept and not kept.endswith(b"\n") else b""
    tf.io.gfile.makedirs(posixpath.dirname(remote))
    with tf.io.gfile.GFile(f"{remote}.new", "wb") as file:
        file.write(kept + between + text)
    tf.io.gfile.rename(f"{remote}.new", remote, overwrite=True)


def _sync_folder(folder: str) -> None:
    """Makes a new file's name survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
