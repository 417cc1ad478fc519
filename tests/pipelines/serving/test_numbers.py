"""A number for each image over REST: one value, in the target's own unit."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from pipelines.serving.http import Limits, Server
from pipelines.serving.models import Served
from trainer_modules.engine.networks import models
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.saved_model import write
from trainer_modules.engine.task.layers import GlobalAveragePool
from trainer_modules.engine.task.sources import LabelledPaths, PathTable
from trainer_modules.engine.task.task import Images, Network, Task

# Learnt in deviations of 8 around 40 percent, and served in percent.
TASK = Task(
    name="brightness",
    source=PathTable(paths=LabelledPaths(csv="labels.csv")),
    problem=Regression(target="percent", unit="%", target_mean=40.0, target_deviation=8.0),
    input=Images(height=4, width=4),
    model=Network(layers=(GlobalAveragePool(),)),
    phases=(),
)


@pytest.mark.parametrize("body", ["instances", "inputs"])
def test_the_answer_is_the_brightness_of_the_image(tmp_path: Path, body: str) -> None:
    built = models.build(TASK).model
    (kernel, bias) = built.trainable_weights
    kernel.assign(np.full((3, 1), 100 / 3 / 8.0))
    bias.assign([-40.0 / 8.0])
    write.save(built, TASK.recipe, str(tmp_path / "brightness" / "1"))
    served = Served("brightness", str(tmp_path / "brightness"))
    assert served.refresh()
    images = []
    for level in (0, 51, 255):
        file = io.BytesIO()
        Pillow.new("RGB", (9, 7), (level, level, level)).save(file, "PNG")
        images.append({"b64": base64.b64encode(file.getvalue()).decode()})
    limits = Limits(max_body=200_000, max_concurrent=8, max_batch=8, max_pixels=10_000)
    server = Server([served], limits)
    try:
        with TestClient(server.app()) as client:
            answer = client.post("/v1/models/brightness:predict", json={body: images})
    finally:
        server.stop()
    assert answer.status_code == 200, answer.text
    values = answer.json()["predictions" if body == "instances" else "outputs"]
    assert values == pytest.approx([0.0, 20.0, 100.0], abs=1e-3)
