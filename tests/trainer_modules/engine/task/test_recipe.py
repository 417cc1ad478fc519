"""Training settings: what they refuse, and that what they accept is what Keras takes."""

from typing import Any

import pytest

from trainer_modules.engine.task.recipe import (
    Augment,
    EarlyStopping,
    Optimizer,
    ReduceOnPlateau,
    Training,
    Warm,
)


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        (Optimizer, {"name": "adamw"}, "optimizer must be one of adam, rmsprop, sgd"),
        (Optimizer, {"epsilon": 0}, "epsilon must be above 0"),
        (Optimizer, {"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        (Augment, {"saturation": (1.5, 0.5)}, r"low <= high. Received: \(1.5, 0.5\)"),
        (Augment, {"saturation": (-0.5, 0.5)}, "saturation must be at least 0"),
        (Augment, {"rotation": 1.1}, "rotation must be at least 0 and at most 1"),
        (Augment, {"zoom": 1.0}, "zoom must be at least 0 and below 1"),
        (Augment, {"contrast": "much"}, "contrast must be a number"),
        (EarlyStopping, {"patience": -1}, "patience must be at least 0"),
        (ReduceOnPlateau, {"factor": 1.0}, "factor must be above 0 and below 1"),
        (Warm, {"epochs": 0}, "epochs must be above 0"),
        (Warm, {"epochs": 1.5}, "epochs must be above 0 and at most 1"),
        (Warm, {"learning_rate": 0}, "learning_rate must be above 0"),
        (Warm, {"head_epochs": -1}, "head_epochs must be at least 0"),
        (Training, {"batch_size": 0}, "batch_size must be at least 1"),
        (Training, {"batch_size": float("nan")}, "batch_size must be at least 1"),
        (Training, {"epochs": True}, "epochs must be a number"),
        (Training, {"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1"),
        (Training, {"precision": "float16"}, "precision must be one of auto, float32"),
        (Training, {"accelerator": "npu"}, "Received: 'npu'"),
        (Training, {"class_weights": "yes"}, "class_weights must be one of none, balanced"),
    ],
)
def test_a_value_out_of_bounds_is_named(kind: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        kind(**given)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_every_optimiser_is_one_of_keras(name: str) -> None:
    from tf_keras import optimizers

    assert type(optimizers.get(Optimizer(name=name).name)).__name__.lower() == name


def test_borders_that_are_allowed() -> None:
    Optimizer(momentum=0.0)
    Augment(saturation=(1.0, 1.0), rotation=1.0, brightness=1.0)
    Training(shuffle=0, seed=0, label_smoothing=0.0, cache_megabytes=0)
    EarlyStopping(patience=0)
