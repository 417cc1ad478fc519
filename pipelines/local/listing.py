"""What lies in folders of this machine, told by names, sizes and times: quick, and without TFX."""

import glob
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Listing:
    """A state of files and folders.

    Attributes:
      digest: Equal digests mean the same names, sizes and times. Hidden files count: what does not
        matter is not for a listing to decide.
      files: How many files there are.
      changed: When the last of them, or a folder around them, changed, in seconds since 1970: the
        kernel's own time of a change (ctime), which copying tools do not set.
    """

    digest: str
    files: int
    changed: float


def of(places: Iterable[str], *, moved: bool = True) -> Listing:
    """Lists files and folders at any depth; links are followed, each folder once.

    Args:
      places: Files and folders; one that does not exist is part of the state.
      moved: Whether the kernel's time of a change counts, too: it tells a file that was replaced by
        another of the same size and time, but a hard link to a file changes it as well.

    Raises:
      OSError: If a folder cannot be listed.
    """
    lines: list[str] = []
    times = [0.0]
    for place in places:
        lines.append(f"place {place}")
        _add(place, "", lines, times, moved, set())
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return Listing(hashlib.sha256(text).hexdigest(), len(times) - 1, max(times))


def _add(
    path: str,
    relative: str,
    lines: list[str],
    times: list[float],
    moved: bool,
    seen: set[tuple[int, int]],
) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        # Not there, or a link that leads nowhere.
        lines.append(f"{relative!r} {error.errno}")
        return
    if not stat.S_ISDIR(status.st_mode):
        change = status.st_ctime_ns if moved else 0
        lines.append(f"{relative!r} {status.st_size} {status.st_mtime_ns} {change}")
        times.append(status.st_ctime)
        return
    # A file that was taken away changes its folder.
    times[0] = max(times[0], status.st_ctime)
    lines.append(f"{relative!r}/")
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for name in sorted(os.listdir(path)):
        _add(f"{path}/{name}", f"{relative}/{name}", lines, times, moved, seen)


@dataclass(frozen=True)
class Watched:
    """The places of a run's data.

    Attributes:
      spans: Patterns of folders: a new match is a new span, or a new version of one.
      places: Files and folders, listed at any depth.
    """

    spans: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def listing(self) -> Listing:
        """Returns the present state of the data.

        Raises:
          OSError: If a folder cannot be listed.
        """
        matches = [match for pattern in self.spans for match in sorted(glob.glob(pattern))]
        files = of(self.places)
        # A span that has just come may be missing among the places, and yet be read by the run.
        changed = max([files.changed, *(os.lstat(match).st_ctime for match in matches)])
        return Listing("\n".join([*matches, files.digest]), files.files, changed)
