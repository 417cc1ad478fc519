"""Reads and writes small files, on this machine or wherever TFX keeps artifacts.

Local paths do not need TensorFlow, so that a report can be drawn without importing it.
"""

import json
import os
from typing import Any


def is_remote(path: str) -> bool:
    """Says whether `path` is a URI such as `gs://…`."""
    return "://" in path


def exists(path: str) -> bool:
    """Says whether a file or folder is there."""
    if not is_remote(path):
        return os.path.exists(path)
    from tfx.dsl.io import fileio

    return bool(fileio.exists(path))


def read_bytes(path: str) -> bytes:
    """Returns a file's content."""
    if not is_remote(path):
        with open(path, "rb") as f:
            return f.read()
    from tfx.dsl.io import fileio

    with fileio.open(path, "rb") as f:
        content: bytes = f.read()
    return content


def write_bytes(path: str, content: bytes) -> None:
    """Writes a file, with the folders above it."""
    if not is_remote(path):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
        return
    from tfx.dsl.io import fileio

    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as f:
        f.write(content)


def read_text(path: str) -> str:
    """Returns a text file's content."""
    return read_bytes(path).decode("utf-8")


def read_json(path: str) -> Any:
    """Returns what a JSON file holds."""
    return json.loads(read_bytes(path))


def read_json_lines(path: str, limit: int) -> list[dict[str, Any]]:
    """Returns the first `limit` lines of a file with one JSON object a line."""
    lines = read_bytes(path).decode("utf-8").splitlines()
    return [json.loads(line) for line in lines[:limit] if line.strip()]


def to_json(value: Any) -> bytes:
    """Returns a value as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8")
