"""What Trainer runs: train the task on the transformed Examples, write the SavedModel."""

import os
from typing import Any

import tensorflow as tf

from trainer_modules.engine import history, serving, training
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import Task


def run(task: Task, fn_args: Any) -> None:
    """Trains `task` and exports it to `fn_args.serving_model_dir`.

    Args:
      task: The task, settings applied.
      fn_args: TFX's `FnArgs`; `train_files` and `eval_files` are file patterns.
    """
    trained = training.train(
        task,
        train_files=_expand(fn_args.train_files, "train"),
        eval_files=_expand(fn_args.eval_files, "eval"),
        model_dir=fn_args.model_run_dir,
        log_dir=os.path.join(fn_args.model_run_dir, "logs"),
    )
    history.write(trained, fn_args.model_run_dir)
    serving.save(trained.model, task, fn_args.serving_model_dir)


def _expand(patterns: list[str], split: str) -> list[str]:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise BadInputError(
            f"There are no examples in the split '{split}' to train with: nothing matches "
            f"{', '.join(patterns)}. Check that the data has this split."
        )
    return files
