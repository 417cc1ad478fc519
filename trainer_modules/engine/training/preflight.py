"""Checks before a training starts: mistakes in the data and the settings."""

import logging
from collections.abc import Iterator
from typing import Any

from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.networks import models
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training import input_pipeline
from trainer_modules.engine.training.examples import Shards
from trainer_modules.engine.training.input_pipeline import Split
from trainer_modules.engine.training.strategy import Placement

_log = logging.getLogger("tfx_vision")


def check(task: Recipe, train: Shards, placement: Placement) -> None:
    """Raises BadInputError where `task` cannot be trained on the examples of `train`."""
    settings = task.train
    input_pipeline.steps_per_pass(
        Split(task=task, shards=train), settings.batch_size * placement.replicas
    )
    if not task.phases:
        raise BadInputError(f"task {task.name} has no phases, so there is nothing to train.")
    if settings.label_smoothing and not task.problem.smooths_labels:
        raise BadInputError(
            f"train.label_smoothing must be 0 for task {task.name}, whose problem "
            f"({task.problem.title}) has no class labels to smooth. "
            f"Received: {settings.label_smoothing}"
        )
    _check_classes(task, train)
    monitors = {
        "train.best_metric": settings.best_metric,
        "train.early_stopping.monitor": settings.early_stopping and settings.early_stopping.monitor,
        "train.reduce_on_plateau.monitor": settings.reduce_on_plateau
        and settings.reduce_on_plateau.monitor,
    }
    measured = ["loss", *(m.name for m in task.problem.training_metrics())]
    known = [*measured, *(f"val_{m}" for m in measured)]
    for setting, metric in monitors.items():
        if metric and metric not in known:
            raise BadInputError(f"{setting} {did_you_mean(metric, known)}.")
    if settings.reduce_on_plateau:
        for phase in task.phases:
            if not isinstance(phase.learning_rate, float | int):
                raise BadInputError(
                    "train.reduce_on_plateau needs phases with a constant learning rate. "
                    f"Received: {phase.learning_rate}"
                )


def check_compiled(task: Recipe, built: models.Built) -> None:
    """Raises BadInputError where XLA cannot compile the training of `built`.

    TensorFlow has no deterministic gradient of max pooling for XLA; without trainable layers before
    a pooling layer, none is needed.
    """
    if not (task.train.xla and task.train.deterministic):
        return
    for phase in task.phases:
        models.set_trainable(built, phase)
        learns = False
        for layer in _flat(built.model):
            if learns and "MaxPooling" in type(layer).__name__:
                raise BadInputError(
                    "train.xla and train.deterministic cannot both be enabled for task "
                    f"{task.name}: XLA has no deterministic gradient of max pooling (layer "
                    f"'{layer.name}'). Disable one of them."
                )
            learns = learns or bool(layer.trainable_weights)


def _flat(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _flat(layer)
        else:
            yield layer


def _check_classes(task: Recipe, train: Shards) -> None:
    if not task.problem.whole_labels and task.train.class_weights != "none":
        raise BadInputError(
            "train.class_weights=balanced weighs an example by the one class that it has, but the "
            f"labels of task {task.name} are of another kind. Set it to none."
        )
    if train.labels is None:
        return
    classes = task.problem.names
    counts = task.problem.label_counts(train.labels)
    present = [c for c, n in zip(classes, counts, strict=True) if n]
    if not present:
        raise BadInputError(
            f"no example of the training split of task {task.name} has any of its "
            f"{len(classes)} classes, so there is nothing to learn."
        )
    if len(present) < 2 and task.problem.whole_labels:
        raise BadInputError(
            f"the training split of task {task.name} contains only one class ('{present[0]}', "
            f"{train.count} examples), so there is nothing to distinguish. Add examples of "
            "another class."
        )
    for name, n in zip(classes, counts, strict=True):
        if n < 2:
            _log.warning(
                "class '%s' has only %d training examples: the model cannot learn it well", name, n
            )
