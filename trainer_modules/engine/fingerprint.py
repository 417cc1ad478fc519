"""Fingerprints of code and files, so that a cache notices an edit.

TFX's cache key holds a component's inputs and parameters, not the code behind a dotted path. The
pipeline passes these fingerprints as parameters.
"""

import ast
import functools
import hashlib
import os
from pathlib import Path
from typing import Any

from trainer_modules.engine import import_closure, syntax


def of_code(*starts: str, given: Any = (), root: Path = import_closure.ROOT) -> str:
    """Returns a hash of all code and data files of the project that a step reaches.

    Comments, formatting and docstrings do not count.

    Args:
      starts: Where the step begins: `module` or `module:name`, see `import_closure.reached`.
        Those outside the project are left out: the lock file pins them.
      given: The step's serialised inputs: reading them needs the modules of their dataclasses.
      root: The folder that holds the packages.
    """
    own = [start for start in starts if import_closure.is_own(start)]
    digest = hashlib.sha256()
    for name, path in import_closure.reached(
        [*own, *import_closure.modules_of(given)], root
    ).items():
        digest.update(name.encode())
        if path.suffix == ".py":
            digest.update(_of_text(path.read_text(encoding="utf-8")).encode())
        else:
            _add_file(digest, os.fspath(path))
    return digest.hexdigest()[:16]


@functools.lru_cache(maxsize=1024)
def _of_text(text: str) -> str:
    """Returns a hash of Python code without comments, formatting and docstrings."""
    return hashlib.sha256(ast.dump(syntax.parsed(text)).encode()).hexdigest()


def of_path(path: str) -> str:
    """Returns a hash of a file's bytes, or of all files' names and bytes below a folder."""
    digest = hashlib.sha256()
    if not os.path.isdir(path):
        _add_file(digest, path)
        return digest.hexdigest()[:16]
    for folder, subfolders, files in os.walk(path):
        subfolders.sort()
        for file in sorted(files):
            digest.update(os.path.relpath(os.path.join(folder, file), path).encode())
            _add_file(digest, os.path.join(folder, file))
    return digest.hexdigest()[:16]


def _add_file(digest: "hashlib._Hash", path: str) -> None:
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
