"""What makes a step run again: the code behind it, what it reads of the task, its weights.

TFX compares a step's inputs and parameters. These become parameters.
"""

import dataclasses
from pathlib import Path
from typing import Any

from trainer_modules.engine import fingerprint, overrides
from trainer_modules.engine.entry import TASK_KEY
from trainer_modules.engine.task import Network, Phase, Task, Training

_ENGINE = "trainer_modules.engine"
# What each step's code is; comments and layout do not count.
_DECODING = (f"{_ENGINE}.decoding", f"{_ENGINE}.exif")
_PREPROCESSING = (
    *_DECODING,
    *(f"{_ENGINE}.{name}" for name in ("preprocessing", "problems", "masks")),
)
_EXPORTING = (
    *_PREPROCESSING,
    *(f"{_ENGINE}.{name}" for name in ("backbones", "imagenet", "models", "saved_network")),
    *(f"{_ENGINE}.{name}" for name in ("segmentation", "serving", "weights")),
    "components.pretrained",
)
_NOT_TRAINING = ("evaluation", "gates", "sources", "exif", "decoding")


def reading() -> str:
    """Returns the fingerprint of the code that reads data."""
    return fingerprint.of_modules(("components.example_gen", *_DECODING))


def checking() -> str:
    """Returns that of the serving check."""
    return fingerprint.of_modules(("components.serving_check", "components.serving_check_process"))


def exporting() -> str:
    """Returns that of the code that exports a network without training it."""
    return fingerprint.of_modules(_EXPORTING)


def preprocessing_config(task: Task) -> dict[str, Any]:
    """Returns Transform's `custom_config`."""
    code = fingerprint.of_modules(_PREPROCESSING)
    return {TASK_KEY: _seen(task, ("image", "problem")), "code": code}


def training_config(task: Task) -> dict[str, Any]:
    """Returns the `custom_config` of Trainer and Tuner."""
    fields = ("image", "problem", "model", "phases", "train", "search")
    code = fingerprint.of_modules((_ENGINE,), without=_NOT_TRAINING)
    return {TASK_KEY: _seen(task, fields), "code": code, "weights": weights(task)}


def weights(task: Task) -> str:
    """Returns a fingerprint of a weights file, so that another file of the same name counts."""
    name = getattr(task.model, "weights", "none")
    return fingerprint.of_path(name) if Path(name).exists() else str(name)


def _seen(task: Task, fields: tuple[str, ...]) -> str:
    """Returns what a step needs of the task, as JSON.

    What a step does not read is neutral, so that changing it leaves the step's cache alone.
    """
    neutral = Task(
        name=task.name,
        source=overrides.from_json('{"type": "TFRecords"}'),
        problem=task.problem,
        model=Network(),
        phases=(Phase(epochs=1),),
        train=Training(),
        gates=(),
    )
    seen = dataclasses.replace(neutral, **{name: getattr(task, name) for name in fields})
    return overrides.to_json(seen)
