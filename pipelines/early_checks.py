"""Checks that need no data, made before any data is read: whether a task can run at all.

`check_settings` needs no TensorFlow and takes milliseconds. `check_network` builds the network as
Trainer will: weights of another network, or a phase that names layers that do not exist, are found
  in seconds and not after the data has been read and transformed.
"""

import dataclasses
import math
import os
import zipfile
from pathlib import Path

from components.model_gate.checking import check_gates
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.networks import backbone_limits
from trainer_modules.engine.problems import vocabulary
from trainer_modules.engine.saved_model import versions
from trainer_modules.engine.saved_model.contents import GRAPH_FILE
from trainer_modules.engine.task.gates import AtLeast, AtMost, BetterThanChance, Gate
from trainer_modules.engine.task.task import (
    Augment,
    Backbone,
    EncoderDecoder,
    Everything,
    Network,
    Phase,
    SavedNetwork,
    Task,
)


def check_settings(task: Task) -> None:
    """Checks gates, monitors, phases, and the limits of the backbone.

    Raises:
      BadInputError: If the task cannot run with these settings; the message names the setting.
    """
    check_gates(task)
    for i, gate in enumerate(task.gates):
        _check_bound(i, gate)
    _check_monitors(task)
    for i, phase in enumerate(task.phases):
        _check_phase(f"phases.{i}", phase, task)
    if isinstance(task.model, Backbone | EncoderDecoder):
        _check_backbone(task.model, task)
    _check_input(task)
    check_weights(getattr(task.model, "weights", "none"))


def check_network(task: Task, *, download: bool) -> None:
    """Builds the network with its weights, and sets what each phase trains.

    Args:
      task: The task; its classes may still be unknown.
      download: Whether published weights may be downloaded.

    Raises:
      BadInputError: If the network cannot be built, or a phase cannot train it.
    """
    import tf_keras

    from trainer_modules.engine.networks import models
    from trainer_modules.engine.training import preflight

    if not task.phases:
        return  # PretrainedModel builds the network as its first step.
    model, problem = task.model, task.problem
    if problem.takes_classes:
        problem = problem.with_classes(("one", "other"))
    # Placeholders for the data's statistics: they only scale, and change no layer.
    axis = task.input.shape[-1]
    statistics = ((0.0,) * axis, (1.0,) * axis) if task.input.standardises else None
    fetched = isinstance(model, Backbone | EncoderDecoder) and (
        model.weights == "imagenet" or "://" in model.weights
    )
    if fetched and not download:
        model = dataclasses.replace(model, weights="none")  # type: ignore[arg-type]
    try:
        built = models.build(dataclasses.replace(task, model=model, problem=problem), statistics)
        for phase in task.phases:
            models.set_trainable(built, phase)
        preflight.check_compiled(task, built)
    finally:
        # Trainer may run in this process: reset the numbering of layers for it.
        tf_keras.backend.clear_session()


def _check_bound(i: int, gate: Gate) -> None:
    if isinstance(gate, BetterThanChance):
        return  # This gate has no bound of its own.
    meaning = vocabulary.measure(gate.metric)
    low, high = meaning.low, meaning.high
    if isinstance(gate, AtLeast | AtMost):
        setting, value = "bound", gate.bound
    else:
        setting, value, (low, high) = (
            "tolerance",
            gate.tolerance,
            (0.0, max(1.0, high) if low >= 0 else math.inf),
        )
    if not low <= value <= high or not math.isfinite(value):
        words = f"within {low:g}..{high:g}" if math.isfinite(high) else f"at least {low:g}"
        hint = f"; did you mean {value / 100:g}?" if high == 1 and 1 < value <= 100 else ""
        raise BadInputError(
            f"gates.{i}.{setting} of {type(gate).__name__}({gate.metric!r}) must be {words}, the "
            f"range of {gate.metric}. Received: {value:g}{hint}"
        )


def _check_monitors(task: Task) -> None:
    train = task.train
    monitors = {
        "train.best_metric": train.best_metric,
        "train.early_stopping.monitor": train.early_stopping and train.early_stopping.monitor,
        "train.reduce_on_plateau.monitor": train.reduce_on_plateau
        and train.reduce_on_plateau.monitor,
    }
    measured = ["loss", *task.problem.measured]
    known = [*measured, *(f"val_{name}" for name in measured)]
    for setting, metric in monitors.items():
        if metric and metric not in known:
            raise BadInputError(f"{setting} {did_you_mean(metric, known)}.")


def _check_phase(setting: str, phase: Phase, task: Task) -> None:
    if isinstance(task.model, Network) and not isinstance(phase.trainable, Everything):
        raise BadInputError(
            f"{setting}.trainable must be Everything() for a network without a backbone. "
            f"Received: {phase.trainable}"
        )
    constant = isinstance(phase.learning_rate, float | int)
    if task.train.reduce_on_plateau and not constant:
        raise BadInputError(
            "train.reduce_on_plateau needs phases with a constant learning rate. "
            f"Received: {setting}.learning_rate={phase.learning_rate}"
        )


def _check_input(task: Task) -> None:
    """Raises BadInputError where a setting needs images and the input has none."""
    if task.problem.moves_with_image:
        task.input.images(task.problem.title)
    if isinstance(task.model, SavedNetwork):
        task.input.images(type(task.model).__name__)
    if task.train.augment != Augment():
        task.input.images("train.augment")


def _check_backbone(model: Backbone | EncoderDecoder, task: Task) -> None:
    if model.name not in backbone_limits.NAMES:
        raise BadInputError(f"model.name {did_you_mean(model.name, backbone_limits.NAMES)}.")
    if model.alpha is not None and not backbone_limits.takes_alpha(model.name):
        raise BadInputError(
            f"model.alpha applies only to the MobileNets; {model.name} has no width multiplier. "
            f"Received: {model.alpha}"
        )
    image, least = task.input.images(model.name), backbone_limits.smallest_image(model.name)
    if min(image.height, image.width) < least:
        raise BadInputError(
            f"input.height and input.width must be at least {least} for {model.name}. "
            f"Received: {image.height} × {image.width}"
        )


def check_weights(weights: str) -> None:
    """Checks that `weights` can be read, if it is a path on this machine.

    Raises:
      BadInputError: If there is nothing, or not a file or folder of weights.
    """
    if weights in ("imagenet", "none") or "://" in weights:
        return
    path = Path(weights)
    if not path.exists():
        raise BadInputError(
            f"there are no weights at {weights}. --weights must be imagenet, none, or the path of "
            "a .h5, .weights.h5 or .keras file, or of a SavedModel folder."
        )
    if path.is_dir():
        if not versions.is_saved_model(weights):
            raise BadInputError(f"the weights {weights} are a folder that lacks {GRAPH_FILE}.")
    elif weights.endswith((".h5", ".hdf5")):
        import h5py

        if not h5py.is_hdf5(weights):
            raise BadInputError(
                f"the weights in {weights} are not an HDF5 file, or the file is damaged."
            )
    elif weights.endswith(".keras"):
        if not zipfile.is_zipfile(weights):
            raise BadInputError(
                f"the weights in {weights} are not a .keras file, or the file is damaged."
            )
    else:
        raise BadInputError(
            "--weights must be a .h5, .weights.h5 or .keras file, or a SavedModel folder (one "
            f"with saved_model.pb in it). Received: {os.fspath(path)}"
        )
