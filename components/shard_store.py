"""Results that are kept from one night to the next, each in a folder named by its key.

A key names everything that a result depends on, so an entry never changes and deleting one only
costs work. An entry is written beside its place and renamed, so a half-written one is never found.
"""

import contextlib
import os
import shutil
import time
import uuid
from dataclasses import dataclass

from tfx.dsl.io import fileio

MEMORY = "places"
"""The folder of a store that `forget` leaves: what cannot be computed again."""

_STAGED = ".staged-"
_DAY = 24 * 3600


@dataclass(frozen=True)
class ShardStore:
    """Entries of one kind in one folder.

    Attributes:
      folder: Where the entries lie, local or remote; "" to keep nothing.
    """

    folder: str

    def find(self, key: str) -> str | None:
        """Returns the folder of an entry, or None if there is none.

        Args:
          key: Letters, digits and "-".
        """
        if not self.folder:
            return None
        entry = os.path.join(self.folder, key)
        # A bucket has no rename of folders: there, the last file that is written seals an entry.
        if not fileio.exists(_seal(entry) if _is_remote(entry) else entry):
            return None
        if not _is_remote(entry):
            # Housekeeping removes entries that nobody has asked for in a long time.
            with contextlib.suppress(OSError):
                os.utime(entry)
        return entry

    def staged(self) -> str:
        """Returns a new, empty folder in which to write an entry.

        Raises:
          ValueError: If nothing is kept.
        """
        if not self.folder:
            raise ValueError("folder must be named before an entry is written. Received: ''")
        place = os.path.join(self.folder, _STAGED + uuid.uuid4().hex)
        fileio.makedirs(place)
        return place

    def put(self, key: str, staged: str) -> str:
        """Makes a staged folder the entry of a key; returns the entry's folder.

        If there is such an entry already, it stays, and what was staged is removed.

        Args:
          key: Letters, digits and "-".
          staged: What `staged` returned, completely written.
        """
        entry = os.path.join(self.folder, key)
        if self.find(key):
            fileio.rmtree(staged)
        elif _is_remote(entry):
            _copy_folder(staged, entry)
            fileio.rmtree(staged)
            with fileio.open(_seal(entry), "w") as f:
                f.write(key)
        else:
            try:
                os.rename(staged, entry)
            except OSError:
                # Another worker was faster; its entry holds the same.
                if not os.path.isdir(entry):
                    raise
                shutil.rmtree(staged)
        return entry

    def link(self, key: str, name: str, destination: str) -> bool:
        """Gives a file of an entry a second name, or copies it where that is impossible.

        Args:
          key: The entry's.
          name: The file's, relative to the entry.
          destination: The new file; its folder must exist.

        Returns:
          Whether there is such a file; an entry may be removed at any time.
        """
        if not self.folder:
            return False
        return link_file(os.path.join(self.folder, key, name), destination)


def link_file(source: str, destination: str) -> bool:
    """Gives a file a second name, or copies it; returns whether it is there."""
    if not _is_remote(source) and not _is_remote(destination):
        try:
            # Copying onto another name of a kept file would write into that file.
            if os.path.lexists(destination):
                os.remove(destination)
            os.link(source, destination)
            return True
        except FileNotFoundError:
            return False
        except OSError:
            pass  # Another file system, or one without hard links.
    if not fileio.exists(source):
        return False
    fileio.copy(source, destination, overwrite=True)
    return True


def sweep(store: ShardStore) -> None:
    """Removes what killed runs staged more than a day ago, on this machine."""
    if not store.folder or _is_remote(store.folder) or not os.path.isdir(store.folder):
        return
    for entry in os.scandir(store.folder):
        if entry.name.startswith(_STAGED) and time.time() - entry.stat().st_mtime > _DAY:
            shutil.rmtree(entry.path, ignore_errors=True)


def forget(folder: str) -> None:
    """Removes all entries of all kinds under a store's folder, except `MEMORY`."""
    if not folder or not fileio.exists(folder):
        return
    for name in fileio.listdir(folder):
        if name.rstrip("/") != MEMORY:
            fileio.rmtree(os.path.join(folder, name))


def _copy_folder(source: str, destination: str) -> None:
    for folder, _, names in fileio.walk(source):
        below = folder.removeprefix(source).strip("/")
        fileio.makedirs(os.path.join(destination, below))
        for name in names:
            fileio.copy(
                os.path.join(folder, name), os.path.join(destination, below, name), overwrite=True
            )


def _is_remote(path: str) -> bool:
    return "://" in path


def _seal(entry: str) -> str:
    return os.path.join(entry, "SEALED")
