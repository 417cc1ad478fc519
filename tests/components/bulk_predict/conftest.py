import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules.engine.problems import Classification, Problem, Regression, Segmentation
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Columns, Images, Network, Phase, Task

CLASSES = ("dark", "mid, grey", "light")


def task(problem: Problem, given: Images | Columns) -> Task:
    phases = (Phase(epochs=1),)
    return Task(
        name="tiny",
        source=ImageFolders(),
        problem=problem,
        input=given,
        model=Network(),
        phases=phases,
    )


@pytest.fixture(scope="session")
def picture() -> Callable[[int], bytes]:
    """Makes a PNG of one grey value: its class is a matter of arithmetic."""

    def make(value: int) -> bytes:
        file = io.BytesIO()
        Pillow.fromarray(np.full((5, 4, 3), value, np.uint8)).save(file, "PNG")
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose logits are -(brightness - centre)² with centres 0, 1/2, 1; versions 1 and 2."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    inputs = layers.Input((4, 4, 3), dtype="uint8")
    brightness = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))[:, :1]
    outputs = tf.nn.softmax(-20.0 * (brightness - tf.constant([[0.0, 0.5, 1.0]])) ** 2)
    model = tf_keras.Model(inputs, outputs)
    folder = tmp_path_factory.mktemp("classifier")
    described = task(Classification(classes=CLASSES), Images(height=4, width=4))
    for version in ("1", "2"):
        serving.save(model, described, str(folder / version))
    return folder


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that marks each pixel by its brightness alone: below 1/2 is class 0."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    inputs = layers.Input((6, 4, 3), dtype="uint8")
    brightness = tf.cast(inputs, tf.float32)[..., :1] / 255
    model = tf_keras.Model(inputs, tf.concat([1 - brightness, brightness], axis=-1))
    folder = tmp_path_factory.mktemp("segmenter") / "1"
    problem = Segmentation(classes=("night", "day"), colours=((10, 20, 30), (200, 150, 100)))
    serving.save(model, task(problem, Images(height=6, width=4)), str(folder))
    return folder


@pytest.fixture(scope="session")
def regressor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a table: 2 a + 3 b."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    inputs = layers.Input((2,))
    model = tf_keras.Model(inputs, inputs @ tf.constant([[2.0], [3.0]]))
    folder = tmp_path_factory.mktemp("regressor") / "1"
    serving.save(model, task(Regression(target="y"), Columns(names=("a", "b"))), str(folder))
    return folder
