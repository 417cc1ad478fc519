"""A tiny model as a task exports it, and pushed."""

import shutil
from pathlib import Path

import pytest

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Task


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`p(light)` is the brightness in 0..1."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    inputs = layers.Input((2, 2, 3), dtype="uint8")
    brightness = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))[:, :1]
    model = tf_keras.Model(inputs, tf.concat([1 - brightness, brightness], axis=1))
    task = Task(
        name="tiny",
        source=ImageFolders(),
        problem=Classification(classes=("dark", "light")),
        input=Images(height=2, width=2),
        model=Network(),
        phases=(Phase(epochs=1),),
    )
    folder = tmp_path_factory.mktemp("saved") / "model"
    serving.save(model, task, str(folder))
    return folder


@pytest.fixture
def pushed(saved: Path, tmp_path: Path) -> Path:
    shutil.copytree(saved, tmp_path / "serving" / "tiny" / "1")
    return tmp_path / "serving" / "tiny"
