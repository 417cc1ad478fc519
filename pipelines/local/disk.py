"""The disk that a name's runs use, by component; a file with several names counts once.

A finished artifact never changes, so each is looked through once: `.disk.json` keeps what was found
in it, and a night looks only into what is new.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.local import run_files

CACHE = ".disk.json"
STORE, SYSTEM, TOTAL = "store", ".system", "total"
# Folders of a name beside TFX's artifacts → what the figures call them.
_BESIDE = {
    "checkpoints": "checkpoints",
    run_files.RUNS: "archives",
    run_files.LOGS: "logs",
    "report": "archives",
    "compare": "archives",
}


def files(folder: str) -> Iterator[os.stat_result]:
    """Yields the status of every file below a folder; what vanishes meanwhile is not there."""
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False)


def used(folder: str, serving_folder: str) -> dict[str, int]:
    """Returns the bytes of each component, `served`, `archives` and so on, and their `total`.

    Args:
      folder: Where the runs of a name are kept, `<root>/<name>`.
      serving_folder: Where its versions are served.

    Returns:
      Component → bytes, the largest first, `total` last; {} where there is nothing.
    """
    counted: set[int] = set()
    sizes: dict[str, int] = {}
    known = _read(folder)
    kept: dict[str, Any] = {}
    for component, place, number in _artifacts(os.path.join(folder, "artifacts")):
        key = os.path.relpath(place, folder)
        kept[key] = known[key] if known.get(key, [None])[0] == number else _found(place, number)
        _, alone, linked = kept[key]
        sizes[component] = sizes.get(component, 0) + alone + _once(linked, counted)
    # The store last: what an artifact shares with it is the artifact's.
    others = [(STORE, os.path.join(folder, "artifacts", STORE))]
    others += [(name, os.path.join(folder, beside)) for beside, name in _BESIDE.items()]
    for name, place in (*others, ("served", serving_folder)):
        _, alone, linked = _found(place, 0)
        sizes[name] = sizes.get(name, 0) + alone + _once(linked, counted)
    sizes["metadata"] = _metadata(folder)
    if kept != known:
        _write(folder, kept)
    sizes = dict(sorted(((k, v) for k, v in sizes.items() if v), key=lambda item: -item[1]))
    return {**sizes, TOTAL: sum(sizes.values())} if sizes else {}


def _artifacts(folder: str) -> Iterator[tuple[str, str, int]]:
    """Yields component, folder and inode of each artifact: `<component>/<output>/<execution>`."""
    for component in _folders(folder):
        if component.name == STORE:
            continue
        for output in _folders(component.path):
            for execution in _folders(output.path):
                yield component.name, execution.path, execution.inode()


def _folders(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _found(folder: str, number: int) -> list[Any]:
    """Returns `number`, the bytes of files with one name, and inode → bytes of the others."""
    alone, linked = 0, {}
    for status in files(folder):
        if status.st_nlink == 1:
            alone += status.st_size
        else:
            linked[str(status.st_ino)] = status.st_size
    return [number, alone, linked]


def _once(linked: Mapping[str, int], counted: set[int]) -> int:
    total = 0
    for number, size in linked.items():
        if int(number) not in counted:
            counted.add(int(number))
            total += size
    return total


def _metadata(folder: str) -> int:
    try:
        return os.stat(os.path.join(folder, "metadata.sqlite")).st_size
    except OSError:
        return 0


def _read(folder: str) -> dict[str, Any]:
    try:
        with open(os.path.join(folder, CACHE), encoding="utf-8") as f:
            cached = json.load(f)
    except (OSError, ValueError):
        return {}
    return cached if isinstance(cached, dict) else {}


def _write(folder: str, kept: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):
        text = json.dumps(kept, separators=(",", ":"))
        run_files.replace_file(os.path.join(folder, CACHE), text)
