"""The work of Trainer: trains the task on the transformed Examples and writes the SavedModel."""

import dataclasses
import json
import os
from typing import Any

import tensorflow as tf

from trainer_modules.engine.custom_config import CHECKPOINTS_KEY, SCRATCH, START_KEY
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.inputs.contract import DEVIATION, MEAN
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.saved_model.contents import START_ASSET
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training import history, search, start


def run(task: Recipe, fn_args: Any) -> None:
    """Trains `task` and exports it to `fn_args.serving_model_dir`.

    An interrupted training resumes where it stopped if there is a folder for checkpoints:
    `custom_config["checkpoints"]`, or on Vertex AI `AIP_CHECKPOINT_DIR`.

    Args:
      task: The task, settings applied.
      fn_args: TFX's `FnArgs`; `train_files` and `eval_files` are file patterns,
        `hyperparameters` are Tuner's best, if there was one, and `base_model` is the champion's
        SavedModel where `custom_config["start"]` asks for it.
    """
    task = fitted(search.applied(task, fn_args.hyperparameters), fn_args)
    checkpoint_dir = os.environ.get("AIP_CHECKPOINT_DIR") or (fn_args.custom_config or {}).get(
        CHECKPOINTS_KEY
    )
    begin = start.Start(
        asked=(fn_args.custom_config or {}).get(START_KEY, SCRATCH),
        model=getattr(fn_args, "base_model", None) or "",
    )
    trained = start.train(
        task,
        begin,
        **data(task, fn_args),
        model_dir=fn_args.model_run_dir,
        log_dir=os.path.join(fn_args.model_run_dir, "logs"),
        checkpoint_dir=checkpoint_dir,
    )
    if not trained.is_chief:
        return  # Only one of several workers writes; the others would overwrite its files.
    history.write(trained, fn_args.model_run_dir)
    settled = dataclasses.replace(task, problem=trained.problem)
    about = {START_ASSET: json.dumps(begun)} if (begun := trained.history.get("start")) else {}
    serving.save(trained.model, settled, fn_args.serving_model_dir, about)
    if checkpoint_dir:
        # Not earlier: a process that dies while writing the model must not have to train again.
        begin.forget(checkpoint_dir)


def fitted(task: Recipe, fn_args: Any) -> Recipe:
    """Returns the task whose problem knows the statistics of its label in the training split."""
    spec = task.problem.statistics_spec()
    if not spec:
        return task
    parsed = _first_example(_expand(fn_args.train_files, "train"), spec)
    statistics = {name: float(value) for name, value in parsed.items()}
    return dataclasses.replace(task, problem=task.problem.fitted(statistics))


def data(task: Recipe, fn_args: Any) -> dict[str, Any]:
    """Returns the data for `training.train`: shards of both splits, and statistics."""
    train_files = _expand(fn_args.train_files, "train")
    return {
        "train_files": train_files,
        "eval_files": _expand(fn_args.eval_files, "eval"),
        "statistics": _statistics(train_files) if task.input.standardises else None,
    }


def _statistics(files: list[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and deviation, which Transform wrote into every example."""
    spec = {
        name: tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)
        for name in (MEAN, DEVIATION)
    }
    parsed = _first_example(files, spec)
    return tuple(parsed[MEAN].tolist()), tuple(parsed[DEVIATION].tolist())


def _first_example(files: list[str], spec: dict[str, Any]) -> dict[str, Any]:
    """Returns the features of the first example, as NumPy values."""
    for file in files:
        packed = "GZIP" if file.endswith(".gz") else ""
        for record in tf.data.TFRecordDataset(file, compression_type=packed).take(1):
            parsed = tf.io.parse_single_example(record, spec)
            return {name: value.numpy() for name, value in parsed.items()}
    raise BadInputError(f"There are no examples in {', '.join(files)} to train with.")


def _expand(patterns: list[str], split: str) -> list[str]:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise BadInputError(
            f"There are no examples in the split '{split}' to train with: no file matches "
            f"{', '.join(patterns)}. Check that the data has this split."
        )
    return files
