"""Trains a task, phase after phase, and returns the model with its history.

The order of a run: look at the data and the settings, build, then for each phase freeze, compile
and fit. Whatever can be wrong in the input is found before the first step.
"""

import contextlib
import dataclasses
import logging
import math
from collections.abc import Iterator

from trainer_modules.engine.inputs.contract import Statistics
from trainer_modules.engine.networks import backbones, models, weights
from trainer_modules.engine.task.task import Backbone, Recipe
from trainer_modules.engine.training import champion as champions
from trainer_modules.engine.training import (
    examples,
    exported,
    input_pipeline,
    preflight,
    resume,
    settling,
    strategy,
)
from trainer_modules.engine.training.champion import Champion
from trainer_modules.engine.training.history import Trained
from trainer_modules.engine.training.phases import PhaseRun
from trainer_modules.engine.training.resume import State
from trainer_modules.engine.training.summary import Summary

_log = logging.getLogger("tfx_vision")


def train(
    task: Recipe,
    *,
    train_files: list[str],
    eval_files: list[str],
    model_dir: str,
    log_dir: str,
    statistics: Statistics | None = None,
    checkpoint_dir: str | None = None,
    champion: Champion | None = None,
    scored: bool = False,
) -> Trained:
    """Trains `task` on transformed Examples.

    Args:
      task: The task, settings applied, its classes known.
      train_files: TFRecord shards of the training split, plain or gzip.
      eval_files: The same of the split to validate on.
      model_dir: Folder for whatever belongs to the model beside it; nothing is written to it
        before the training is over.
      log_dir: Folder for TensorBoard; each phase has a folder in it.
      statistics: Mean and deviation of each channel or column, where the input standardises.
      checkpoint_dir: Folder that survives an interruption; with it, an interrupted training
        continues after its last complete epoch. None trains without checkpoints. The state remains
        there until the caller, having written the model, calls `resume.forget`.
      champion: The model to start from; None for weights as the task initialises them.
      scored: Whether `Trained.score` is asked for.

    Returns:
      The model and its history.

    Raises:
      BadInputError: If data, settings, weights or accelerator are wrong; before training starts.
      CannotContinueError: If the network is not that of `champion`; before training starts.
      TrainingError: If the loss is no longer a finite number, or the exported network does not
        compute the same as the trained one.
    """
    del model_dir
    import tf_keras

    task = _with_epochs(task)
    if champion:
        task = champions.shortened(task, champion)
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
    begin = champion.start(built.model) if champion else ""
    digest = resume.fingerprint(task, train_shards, eval_shards, placement.replicas, begin)
    state = (resume.load(checkpoint_dir, digest) if checkpoint_dir else None) or State()
    if state.epoch:
        _log.info("continuing after epoch %d, in phase %d", state.epoch, state.phase + 1)
        built.model.set_weights(state.weights)
    summary = Summary(built, notes=_notes(task, placement))
    _log.info("%s", "\n".join([summary.short, *summary.notes]))
    for index, phase in enumerate(task.phases):
        models.set_trainable(built, phase)
        line = summary.add_phase()
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
    if task.train.best_metric and state.best is not None:
        built.model.set_weights(state.best)
    state.history["exported_epoch"] = (
        state.history.get("best_epoch") if task.train.best_metric else state.epoch
    )
    trained = exported.Trained(model=built.model, placement=placement, task=task)
    model = exported.network(trained)
    exported.check(trained, model, train_split)
    problem, chosen = settling.settle(trained, model, eval_split)
    if chosen:
        state.history["settled"] = chosen
    return Trained(
        model=model,
        history=state.history,
        summary_text=summary.text,
        trainable_count=built.trainable_count,
        frozen_count=built.frozen_count,
        problem=problem,
        score=settling.score(trained, model, eval_split) if scored else math.nan,
        is_chief=placement.is_chief,
    )


def _notes(task: Recipe, placement: strategy.Placement) -> list[str]:
    """Returns notes for the network's summary, in addition to its layers."""
    notes = []
    if placement.precision != "float32":
        notes.append(f"trained in {placement.precision}; every layer is exported in float32")
    model = task.model
    if isinstance(model, Backbone) and weights.is_saved_model(model.weights):
        form = backbones.scaling(model.name) if model.scaling == "auto" else model.scaling
        gets = f"pixels as '{form}' ({backbones.RANGES[form]})"
        note = f"the SavedModel in {model.weights} receives {gets}"
        if model.scaling == "auto":
            note += f", as {model.name} expects"
            _log.warning(
                "%s. A SavedModel does not record the input scaling it was trained with, and a "
                "wrong guess reduces accuracy without an error. Set it with --set "
                "model.scaling=%s, or unit (0..1), tf (-1..1), torch, caffe, raw (0..255).",
                note,
                form,
            )
        notes.append(note)
    return notes


def _with_epochs(task: Recipe) -> Recipe:
    if task.train.epochs is None:
        return task
    phases = tuple(dataclasses.replace(p, epochs=task.train.epochs) for p in task.phases)
    return dataclasses.replace(task, phases=phases)


def _make_deterministic(task: Recipe) -> None:
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
    """Gives random layers generators with a settable state, for `resume.reseed`."""
    from tf_keras.src import backend

    before = backend.is_tf_random_generator_enabled()
    backend.enable_tf_random_generator()
    try:
        yield
    finally:
        if not before:
            backend.disable_tf_random_generator()
