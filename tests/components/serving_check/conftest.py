"""A tiny model, examples, and the predictions that are the truth about them."""

from typing import Any

import pytest

from tests.components.serving_check.tiny import TASK, png
from trainer_modules.engine.saved_model import write as serving


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(1)
    network = tf_keras.Sequential(
        [
            layers.Input((6, 5, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )
    folder = tmp_path_factory.mktemp("model") / "saved"
    serving.save(network, TASK, str(folder))
    return str(folder)


@pytest.fixture(scope="package")
def examples() -> dict[str, bytes]:
    import tensorflow as tf

    found = {}
    for i in range(4):
        feature = {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for name, value in (("image", png(i)), ("id", f"{i}.png".encode()))
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        found[f"{i}.png"] = example.SerializeToString()
    return found


@pytest.fixture(scope="package")
def truth(model: str, examples: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """What this process, with Keras and TFX loaded, gets for the same examples."""
    import tensorflow as tf

    loaded = tf.saved_model.load(model)
    outputs = loaded.signatures["serving_default"](tf.constant([png(i) for i in range(4)]))
    return {
        name: {"label": label.decode(), "score": float(score)}
        for name, label, score in zip(
            examples, outputs["label"].numpy(), outputs["score"].numpy(), strict=True
        )
    }
