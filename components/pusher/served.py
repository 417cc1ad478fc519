"""The model served under a name, and whether another may replace it.

Importing this module is cheap, since it is used before anything expensive begins.
"""

import posixpath
from collections.abc import Sequence

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets, versions

_SHOWN = 5
# The similarity of two models' classes, in ascending order of suitability as a baseline.
NOTHING_SHARED, SOME_SHARED, THE_SAME = 0, 1, 2


def classes_in_common(classes: Sequence[str], others: Sequence[str]) -> int:
    """Returns `THE_SAME` (in any order), `SOME_SHARED` or `NOTHING_SHARED`."""
    if set(classes) == set(others):
        return THE_SAME
    return SOME_SHARED if set(classes) & set(others) else NOTHING_SHARED


def best_match(models: Sequence[str], classes: Sequence[str]) -> str | None:
    """Returns the first model with the same classes, else with some of them, else the first."""
    by_likeness = [
        (classes_in_common(classes, assets.classes(model)), -i) for i, model in enumerate(models)
    ]
    return models[-max(by_likeness)[1]] if models else None


def check_room(serving_folder: str, *, task: str, classes: Sequence[str], target: str = "") -> None:
    """Checks that a model may replace the one that is served in a folder.

    Args:
      serving_folder: Where it would be pushed; its last part is the name it is served under.
      task: The task's name.
      classes: The classes of the new model; () for one without.
      target: The name of the number that it predicts; "" for one that predicts none.

    Raises:
      BadInputError: If the served model is of another task, shares no class with the new one, or
        predicts another number.
    """
    newest = versions.newest(serving_folder)
    if newest is None:
        return
    name = posixpath.basename(serving_folder.rstrip("/"))
    owner = _owner(newest)
    if owner and owner != task:
        raise BadInputError(
            f"'{name}' is already the name of a model of task '{owner}' ({newest}), which task "
            f"'{task}' would replace. Choose another --name."
        )
    check_classes(newest, classes)
    check_target(newest, target)


def check_target(newest: str, target: str) -> None:
    """Checks that a model predicts the same number as the newest served version.

    Raises:
      BadInputError: If both predict a number, and not the same.
    """
    served = assets.target(newest)
    if not served or not target or served == target:
        return
    folder = posixpath.dirname(newest)
    raise BadInputError(
        f"The new model predicts '{target}', and the model that is served as "
        f"'{posixpath.basename(folder)}' predicts '{served}' ({newest}). It is not replaced by a "
        "model of another number. Give these images a name of their own with --name. To stop "
        f"serving the other model instead, move {folder} away."
    )


def check_classes(newest: str, classes: Sequence[str]) -> None:
    """Checks that a model shares a class with the newest served version that it would replace.

    Raises:
      BadInputError: If both have classes and none in common.
    """
    served = assets.classes(newest)
    if not served or not classes or classes_in_common(classes, served) != NOTHING_SHARED:
        return
    folder = posixpath.dirname(newest)
    name = posixpath.basename(folder)
    raise BadInputError(
        f"The data has the classes {_listed(classes)}, and the model that is served as '{name}' "
        f"knows none of them; it knows {_listed(served)} ({newest}). It is not replaced by a "
        "model of different classes. Give these images a name of their own, for example --name "
        f"{_suggested(classes)}. To stop serving the other model instead, move {folder} away."
    )


def _owner(model: str) -> str:
    try:
        return assets.task_name(model)
    except BadInputError as error:
        raise BadInputError(
            f"It cannot be told whose model is served from {posixpath.dirname(model)}: {error} "
            f"Move {model} away, or choose another --name."
        ) from error


def _listed(classes: Sequence[str]) -> str:
    more = f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else ""
    return ", ".join(classes[:_SHOWN]) + more


def _suggested(classes: Sequence[str]) -> str:
    plain = "".join(c for c in classes[0].lower() if c.isascii() and c.isalnum())
    return f"{plain[:20]}-and-more" if plain[:1].isalpha() else "other-images"
