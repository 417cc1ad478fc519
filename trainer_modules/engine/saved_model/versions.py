"""The versions of a served model: `<folder>/<number>/`, each a SavedModel as Pusher copies it.

Whoever looks for a model looks here, so that all agree on what is there:

- A version is a folder, or a link to one, whose name is a whole number. `000012` is version 12 and
  keeps its name; where `12` stands beside it, `12` counts. All else in the folder, files with a
  number for a name included, is no version.
- A version is complete once its graph, the index of its variables and all their parts exist. One
  that is being copied, or whose copying was interrupted, is not.
- A folder that itself is a SavedModel is its only version: the number in its name, or 1.
- What is deleted while it is read is not there.

Importing this module is cheap, and so is looking into a local folder: TensorFlow is imported only
for remote ones.
"""

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model.contents import GRAPH_FILE

_INDEX = "variables/variables.index"
_SHARD = re.compile(r"variables\.data-(\d{5})-of-(\d{5})")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a served model.

    Attributes:
      number: Its number; a higher one is newer.
      folder: Its SavedModel.
      missing: The first of its files that does not exist, as long as it is incomplete; else "".
    """

    number: int
    folder: str
    missing: str = ""


def newest_first(folder: str) -> Iterator[Version]:
    """Yields the versions in `folder`, incomplete ones included; each checked only when asked for.

    Raises:
      BadInputError: If the folder exists but may not be read.
    """
    names = _names(folder)
    if GRAPH_FILE in names:
        path = folder.rstrip("/")
        name = posixpath.basename(path)
        yield _version(int(name) if _is_number(name) else 1, path)
        return
    numbered: dict[int, list[str]] = {}
    for name in sorted(filter(_is_number, names), key=len):
        numbered.setdefault(int(name), []).append(posixpath.join(folder, name))
    for number in sorted(numbered, reverse=True):
        for path in filter(_is_folder, numbered[number]):
            yield _version(number, path)
            break


def complete(folder: str) -> Iterator[Version]:
    """Yields the complete versions in `folder`, the newest first.

    Raises:
      BadInputError: If the folder exists but may not be read.
    """
    return (version for version in newest_first(folder) if not version.missing)


def newest(folder: str) -> str | None:
    """Returns the SavedModel of the newest complete version in `folder`; None if there is none.

    Raises:
      BadInputError: If the folder exists but may not be read.
    """
    return next((version.folder for version in complete(folder)), None)


def is_saved_model(folder: str) -> bool:
    """Says whether `folder` holds a SavedModel, of whatever origin."""
    return GRAPH_FILE in _names(folder)


def missing_file(model: str) -> str:
    """Returns the first file that the SavedModel in `model` lacks to be complete; "" for none."""
    if GRAPH_FILE not in _names(model):
        return GRAPH_FILE
    names = _names(posixpath.join(model, "variables"))
    if posixpath.basename(_INDEX) not in names:
        return _INDEX
    shards = [match for name in names if (match := _SHARD.fullmatch(name))]
    count = max((int(match[2]) for match in shards), default=1)
    for i in range(count):
        shard = f"variables.data-{i:05}-of-{count:05}"
        if shard not in names:
            return f"variables/{shard}"
    return ""


def _version(number: int, folder: str) -> Version:
    return Version(number=number, folder=folder, missing=missing_file(folder))


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _names(folder: str) -> list[str]:
    """Returns the names in a folder; none if there is no such folder (any more)."""
    if "://" not in folder:
        try:
            return os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise BadInputError(f"{folder} cannot be listed: {error.strerror}.") from error
    import tensorflow as tf

    try:
        return [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]
    except tf.errors.NotFoundError:
        return []
    except tf.errors.OpError as error:
        raise BadInputError(f"{folder} cannot be listed: {error.message}") from error


def _is_folder(path: str) -> bool:
    if "://" not in path:
        return os.path.isdir(path)
    import tensorflow as tf

    return bool(tf.io.gfile.isdir(path))
