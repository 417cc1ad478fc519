"""Files, on this machine and in buckets: listing folders at any depth, reading bytes.

Local paths go through `os`, whose names survive any encoding; others through Beam's and
TensorFlow's file systems.
"""

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SYSTEM_FILES = {"thumbs.db", "desktop.ini", "ehthumbs.db"}
_SYSTEM_FOLDERS = {"__macosx", "@eadir", "$recycle.bin"}

EMPTY = "contains no files"
"""The problem of an empty folder."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file under a folder.

    Attributes:
      relative: Path relative to the folder, with "/"; an empty folder ends in "/".
      size: Bytes.
      modified: Time of the last change, seconds or nanoseconds, to compare for equality.
      problem: Why it cannot be read, or "".
    """

    relative: str
    size: int = 0
    modified: int = 0
    problem: str = ""


def is_remote(path: str) -> bool:
    """Says whether `path` names another machine's file system, as `gs://…` does."""
    return "://" in path


def join(*parts: str) -> str:
    """Joins path parts with "/"; empty ones are skipped."""
    return posixpath.join(*[p for p in parts if p]) if any(parts) else ""


def exists(path: str) -> bool:
    """Says whether there is a file or folder at `path`."""
    return _gfile().exists(path) if is_remote(path) else os.path.exists(path)


def is_folder(path: str) -> bool:
    """Says whether `path` is a folder."""
    return _gfile().isdir(path) if is_remote(path) else os.path.isdir(path)


def read(path: str, limit: int = -1) -> bytes:
    """Returns a file's bytes, the first `limit` of them if it is not negative.

    Raises:
      OSError: If the file cannot be read.
    """
    if not is_remote(path):
        with open(path, "rb") as f:
            return f.read(limit)
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as f:
            return f.read(limit)
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message or type(error).__name__}") from error


def subfolders(path: str) -> list[str]:
    """Returns the names of the folders in a folder, sorted, hidden ones left out."""
    listed = _gfile().listdir(path) if is_remote(path) else os.listdir(path)
    names = (n.rstrip("/") for n in listed)
    return sorted(n for n in names if not _hidden(n, folder=True) and is_folder(join(path, n)))


def files(folder: str) -> Iterator[Entry]:
    """Lists the files under a folder at any depth, sorted within each folder.

    Hidden files and those that operating systems create (`.DS_Store`, `Thumbs.db`, …) are left out.
    Links are followed, each folder once.
    """
    return _remote_files(folder) if is_remote(folder) else _local_files(folder, "", set())


def entry(path: str) -> Entry:
    """Returns the `Entry` of one file."""
    name = posixpath.basename(path)
    if is_remote(path):
        status = _gfile().stat(path)
        return Entry(relative=name, size=status.length, modified=status.mtime_nsec)
    local = os.stat(path)
    return Entry(relative=name, size=local.st_size, modified=local.st_mtime_ns)


def create(path: str) -> Any:
    """Opens a text file for writing; unlike TensorFlow's own, it exists even if it stays empty."""
    from tfx.dsl.io import fileio

    f = fileio.open(path, "w")
    f.write("")
    return f


def printable(relative: str) -> str:
    r"""Returns a path as valid UTF-8 text; different paths stay different.

    Bytes that are not UTF-8 become `\udcXX`; beside them, and beside a literal `\ud`, a backslash
    becomes two.
    """
    strange = "\\ud" in relative or any("\ud800" <= c <= "\udfff" for c in relative)
    if not strange:
        return relative
    return relative.replace("\\", "\\\\").encode("utf-8", "backslashreplace").decode()


def _hidden(name: str, *, folder: bool) -> bool:
    return name.startswith(".") or name.lower() in (_SYSTEM_FOLDERS if folder else _SYSTEM_FILES)


def _local_files(root: str, relative: str, seen: set[tuple[int, int]]) -> Iterator[Entry]:
    path = os.path.join(root, relative) if relative else root
    try:
        status = os.stat(path)
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as listing:
            entries = sorted(listing, key=lambda e: e.name)
    except OSError as error:
        yield Entry(relative=relative + "/", problem=f"cannot be listed: {error.strerror}")
        return
    empty = True
    for entry in entries:
        below = f"{relative}/{entry.name}" if relative else entry.name
        if _is_local_folder(entry):
            if not _hidden(entry.name, folder=True):
                empty = False
                yield from _local_files(root, below, seen)
        elif not _hidden(entry.name, folder=False):
            empty = False
            yield _local_entry(entry, below)
    if empty and relative:
        yield Entry(relative=relative + "/", problem=EMPTY)


def _is_local_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself, for example; `_local_entry` says what is wrong with it.
        return False


def _local_entry(entry: os.DirEntry[str], relative: str) -> Entry:
    try:
        status = entry.stat()
    except OSError as error:
        broken = entry.is_symlink() and not os.path.exists(entry.path)
        reason = "is a broken symbolic link" if broken else f"cannot be read: {error.strerror}"
        return Entry(relative=relative, problem=reason)
    if not stat.S_ISREG(status.st_mode):
        return Entry(relative=relative, problem="is not a regular file")
    return Entry(relative=relative, size=status.st_size, modified=status.st_mtime_ns)


def _remote_files(folder: str) -> Iterator[Entry]:
    folder = folder.rstrip("/")
    for path, size, modified in sorted(_remote_listing(folder)):
        relative = path.removeprefix(folder).lstrip("/")
        *folders, name = relative.split("/")
        if not name or _hidden(name, folder=False) or any(_hidden(f, folder=True) for f in folders):
            continue
        yield Entry(relative=relative, size=size, modified=modified)


def _remote_listing(folder: str) -> Iterator[tuple[str, int, int]]:
    """One listing request per thousand objects with Beam, if it supports the scheme."""
    from apache_beam.io.filesystems import FileSystems

    try:
        FileSystems.get_filesystem(folder)
    except ValueError:
        for path, _, names in _gfile().walk(folder):
            for name in names:
                status = _gfile().stat(join(path, name))
                yield join(path, name), status.length, status.mtime_nsec
        return
    for metadata in FileSystems.match([folder + "/**"])[0].metadata_list:
        yield metadata.path, metadata.size_in_bytes, int(metadata.last_updated_in_seconds or 0)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile
