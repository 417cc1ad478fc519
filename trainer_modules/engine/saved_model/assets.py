"""The small files beside the graph of a SavedModel: its task's name, its classes and their ids.

Reading them takes neither TensorFlow nor the task's own classes; `read.task` has the whole task.
"""

import json
import posixpath

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model.contents import (
    CLASS_IDS_ASSET,
    CLASSES_ASSET,
    TASK_ASSET,
)


def task_name(model: str) -> str:
    """Returns the name of the task that a SavedModel carries, whichever version wrote it; else "".

    Raises:
      BadInputError: If the file is damaged.
    """
    path = asset(model, TASK_ASSET)
    stored = text(path)
    if stored is None:
        return ""
    try:
        return str(json.loads(stored)["name"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{path} cannot be read: it must be a JSON object with a name. "
            f"Received: {stored[:40]!r}"
        ) from error


def target(model: str) -> str:
    """Returns the name of the number that a SavedModel predicts; "" where it predicts none.

    Raises:
      BadInputError: If the task that it carries is damaged.
    """
    path = asset(model, TASK_ASSET)
    stored = text(path)
    if stored is None:
        return ""
    try:
        problem = json.loads(stored).get("problem") or {}
        return str(problem.get("target", ""))
    except (ValueError, AttributeError) as error:
        raise BadInputError(
            f"{path} cannot be read: it must be a JSON object. Received: {stored[:40]!r}"
        ) from error


def classes(model: str) -> tuple[str, ...]:
    """Returns the class names that a SavedModel carries, in the order of its outputs; else ()."""
    return _lines(asset(model, CLASSES_ASSET))


def class_ids(model: str) -> tuple[str, ...]:
    """Returns the ids of the classes, where a SavedModel carries them beside their names."""
    return _lines(asset(model, CLASS_IDS_ASSET))


def asset(model: str, name: str) -> str:
    """Returns where the SavedModel in the folder `model` keeps the asset `name`."""
    return posixpath.join(model, "assets", name)


def text(path: str) -> str | None:
    """Returns a file's text; None if it does not exist.

    Raises:
      BadInputError: If it cannot be read, or is not UTF-8.
    """
    stored = content(path)
    if stored is None:
        return None
    try:
        return stored.decode()
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} cannot be read: it is not UTF-8 text.") from error


def content(path: str) -> bytes | None:
    """Returns a file's content; None if it does not exist.

    Raises:
      BadInputError: If it cannot be read.
    """
    if "://" not in path:
        try:
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as remote:
            return bytes(remote.read())
    except tf.errors.NotFoundError:
        return None
    except tf.errors.OpError as error:
        raise BadInputError(f"{path} cannot be read: {error.message}") from error


def _lines(path: str) -> tuple[str, ...]:
    stored = text(path)
    # A class name may contain any other separator of lines, U+2028 for one.
    return tuple(stored.removesuffix("\n").split("\n")) if stored else ()
