"""The one place that loads SavedModels, of whatever origin; `read.SavedModel` is for our own.

A SavedModel is a program, and calling it runs its code: load only those of trusted origin.
"""

from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions


def load(folder: str) -> Any:
    """Returns the object in a SavedModel; it keeps the variables alive, a signature alone does not.

    Raises:
      BadInputError: If it cannot be loaded.
    """
    import tensorflow as tf

    try:
        return tf.saved_model.load(folder)
    except (OSError, ValueError, KeyError, RuntimeError, tf.errors.OpError) as error:
        if not versions.is_saved_model(folder):
            raise BadInputError(
                f"there is no SavedModel in {folder}, or it was deleted while it was read."
            ) from error
        why = str(error).strip() or type(error).__name__
        raise BadInputError(
            f"the SavedModel in {folder} cannot be loaded: {why.splitlines()[0]}"
        ) from error
