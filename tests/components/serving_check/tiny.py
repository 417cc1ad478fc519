"""A tiny model's task, its images, and a check of a model by the component's own request."""

import io
from typing import Any

import numpy as np
from PIL import Image as Pillow

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Serving, Task

TASK = Task(
    name="tiny",
    source=ImageFolders(),
    problem=Classification(classes=("dark", "grey", "light")),
    input=Images(height=6, width=5, channels=3),
    model=Network(),
    phases=(Phase(epochs=1),),
)


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (9, 8, 3), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def check_model(model: str, examples: Any, expected: Any, **changes: Any) -> dict[str, Any]:
    from components.serving_check import component as serving_check

    asked = serving_check.request(model, examples, expected, TASK.input, TASK.problem, Serving())
    return serving_check.check(asked | changes)
