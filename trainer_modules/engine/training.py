"""Trains a task, phase after phase, and returns the model with its history.

The order of a run: look at the data and the settings, build, then for each phase freeze, compile
and fit. Whatever can be wrong in the input is found before the first step.
"""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator
from typing import Any

from trainer_modules.engine import (
    examples,
    input_pipeline,
    models,
    preflight,
    resume,
    strategy,
    weights,
)
from trainer_modules.engine.history import Trained
from trainer_modules.engine.phases import PhaseRun
from trainer_modules.engine.resume import State
from trainer_modules.engine.task import Network, Task

_log = logging.getLogger("tfx_vision")


def train(
    task: Task,
    *,
    train_files: list[str],
    eval_files: list[str],
    model_dir: str,
    log_dir: str,
    statistics: models.Statistics | None = None,
    checkpoint_dir: str | None = None,
) -> Trained:
    """Trains `task` on transformed Examples.

    Args:
      task: The task, settings applied, its classes known.
      train_files: TFRecord shards of the training split, plain or gzip.
      eval_files: The same of the split to validate on.
      model_dir: Folder for whatever belongs to the model beside it; nothing is written to it
        before the training is over.
      log_dir: Folder for TensorBoard; each phase has a folder in it.
      statistics: Mean and deviation of each channel in 0..255, for `image.scale="standardise"`.
      checkpoint_dir: Folder that survives an interruption; with it, a training that was killed
        continues after its last whole epoch. None trains without that.

    Returns:
      The model and its history.

    Raises:
      BadInputError: If data, settings, weights or accelerator are wrong; before training starts.
      TrainingError: If the loss stops being a finite number.
    """
    del model_dir
    import tf_keras

    task = _with_epochs(task)
    placement = strategy.choose(task.train)
    _log.info("training %s on %s", task.name, placement.description)
    train_shards = examples.measure(task, train_files, "train")
    eval_shards = examples.measure(task, eval_files, "eval")
    preflight.check(task, train_shards, placement)
    _make_deterministic(task)
    budget = task.train.cache_megabytes * 2**20
    train_split, taken = input_pipeline.prepare(task, train_shards, budget=budget, split="train")
    eval_split, _ = input_pipeline.prepare(task, eval_shards, budget=budget - taken, split="eval")
    if task.train.class_weights == "balanced" and train_shards.labels is not None:
        balanced = input_pipeline.balanced_weights(train_shards.labels, task.problem.names)
        train_split = dataclasses.replace(train_split, class_weights=balanced)
    with _precision(placement.precision), placement.strategy.scope(), _stored_randomness():
        tf_keras.utils.set_random_seed(task.train.seed)
        built = models.build(task, statistics)
    preflight.check_compiled(task, built)
    digest = resume.fingerprint(task, train_shards, eval_shards, placement.replicas)
    state = (resume.load(checkpoint_dir, digest) if checkpoint_dir else None) or State()
    if state.epoch:
        _log.info("continuing after epoch %d, in phase %d", state.epoch, state.phase + 1)
        built.model.set_weights(state.weights)
    summaries = [_summary(built.model)]
    trainable = frozen = 0
    for index, phase in enumerate(task.phases):
        models.set_trainable(built, phase)
        trainable, frozen = built.trainable_count, built.frozen_count
        line = f"phase {index + 1}: trainable {trainable:,}, frozen {frozen:,}"
        summaries.append(line)
        if index < state.phase or (index == state.phase and state.phase_over):
            continue
        _log.info("%s, %s", line, phase.trainable)
        with _precision(placement.precision), _stored_randomness():
            run = PhaseRun(
                task=task,
                index=index,
                built=built,
                placement=placement,
                train_split=train_split,
                eval_split=eval_split,
                log_dir=log_dir,
                checkpoint_dir=checkpoint_dir,
                digest=digest,
            )
            state = run.fit(state)
    if task.train.best and state.best is not None:
        built.model.set_weights(state.best)
    state.history["exported_epoch"] = (
        state.history.get("best_epoch") if task.train.best else state.epoch
    )
    if checkpoint_dir and placement.is_chief:
        resume.forget(checkpoint_dir)
    model = (
        built.model if placement.replicas == 1 else _undistributed(built.model, task, statistics)
    )
    return Trained(
        model=model,
        history=state.history,
        summary_text="\n".join(summaries) + "\n",
        trainable_count=trainable,
        frozen_count=frozen,
        is_chief=placement.is_chief,
    )


def _undistributed(trained: Any, task: Task, statistics: models.Statistics | None) -> Any:
    """Returns a copy that belongs to no strategy: reading mirrored variables may take all workers.

    Saving is the chief's business alone, and would wait for the others for ever.
    """
    source = task.model
    if not isinstance(source, Network) and not weights.is_saved_model(source.weights):
        task = dataclasses.replace(task, model=dataclasses.replace(source, weights="none"))
    plain = models.build(task, statistics).model
    plain.set_weights(trained.get_weights())
    return plain


def _with_epochs(task: Task) -> Task:
    if task.train.epochs is None:
        return task
    phases = tuple(dataclasses.replace(p, epochs=task.train.epochs) for p in task.phases)
    return dataclasses.replace(task, phases=phases)


def _make_deterministic(task: Task) -> None:
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(task.train.seed)
    if task.train.deterministic:
        tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    from tf_keras import mixed_precision

    before = mixed_precision.global_policy()
    mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        mixed_precision.set_global_policy(before)


@contextlib.contextmanager
def _stored_randomness() -> Iterator[None]:
    """Gives random layers generators whose state can be set, which `resume.reseed` does."""
    from tf_keras.src import backend

    before = backend.is_tf_random_generator_enabled()
    backend.enable_tf_random_generator()
    try:
        yield
    finally:
        if not before:
            backend.disable_tf_random_generator()


def _summary(model: Any) -> str:
    lines: list[str] = []
    model.summary(print_fn=lines.append, line_length=98, expand_nested=False)
    text = os.linesep.join(lines)
    _log.info("%s", text)
    return text
