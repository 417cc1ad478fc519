"""Fingerprints of code and files, so that a cache notices an edit.

TFX's cache key holds a component's inputs and parameters, not the code behind a dotted path. The
pipeline passes these fingerprints as parameters.
"""

import ast
import hashlib
import importlib.util
import os
from collections.abc import Iterable


def of_modules(names: Iterable[str], *, without: tuple[str, ...] = ()) -> str:
    """Returns a hash of the syntax trees of modules, and of the modules inside packages.

    Comments and layout do not count: only what the code says does.

    Args:
      names: Dotted module or package names; they are found, not imported.
      without: Beginnings of file names to leave out of packages.
    """
    digest = hashlib.sha256()
    for name in sorted(set(names)):
        for path in _files(name):
            if without and os.path.basename(path).startswith(without):
                continue
            with open(path, encoding="utf-8") as f:
                tree = ast.parse(f.read())
            digest.update(os.path.basename(path).encode())
            digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


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


def _files(name: str) -> list[str]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {name!r} to fingerprint")
    if not spec.submodule_search_locations:
        return [spec.origin]
    found = []
    for location in spec.submodule_search_locations:
        for folder, subfolders, files in os.walk(location):
            subfolders[:] = sorted(s for s in subfolders if s != "__pycache__")
            found += [os.path.join(folder, f) for f in sorted(files) if f.endswith(".py")]
    return found
