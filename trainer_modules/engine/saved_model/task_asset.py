"""The task that a SavedModel carries in `assets/`: as trained its recipe, as pushed all of it.

An export must not depend on gates, slices or the place of the data: they change without a training.
So Trainer exports a model with its recipe, Tuner's values applied, and the run that pushes the
model adds the rest.
"""

import json
import os

from trainer_modules.engine.saved_model.contents import TASK_ASSET


def path(model: str) -> str:
    """Returns where the SavedModel in the folder `model` keeps its task."""
    return os.path.join(model, "assets", TASK_ASSET)


def complete(model: str, task: str) -> None:
    """Replaces the recipe that a SavedModel carries by the whole task; a whole one is kept.

    What was trained counts: the values that Tuner found are in the recipe and not in `task`.

    Args:
      model: Folder of the SavedModel.
      task: The run's task as JSON.

    Raises:
      RuntimeError: If another version of this code wrote the recipe; its step's cache key prevents
        that.
    """
    from tfx.dsl.io import fileio

    with fileio.open(path(model), "r") as file:
        recipe = json.loads(file.read())
    whole = json.loads(task)
    if recipe["type"].rpartition(".")[2] == whole["type"]:
        return
    if recipe["format_version"] != whole["format_version"]:
        raise RuntimeError(
            f"{path(model)} must have format_version {whole['format_version']}. Received: "
            f"{recipe['format_version']}"
        )
    trained = {name: value for name, value in recipe.items() if name != "type"}
    text = json.dumps({**whole, **trained}, sort_keys=True, ensure_ascii=False)
    # A reader sees the recipe or the task, never half of it.
    written = path(model) + ".new"
    with fileio.open(written, "w") as file:
        file.write(text)
    fileio.rename(written, path(model), overwrite=True)
