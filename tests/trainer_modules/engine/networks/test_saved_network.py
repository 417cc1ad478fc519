"""A whole network from elsewhere, in each of the ways that it may be called."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import saved_network
from trainer_modules.engine.task.saved_network import PROBABILITIES, SavedNetwork

IMAGES = np.random.default_rng(0).uniform(0, 1, (2, 4, 4, 3)).astype(np.float32)
SPEC = tf.TensorSpec([None, 4, 4, 3], tf.float32, name="pixels")


class MeanColour(tf.Module):
    """Logits `[batch, outputs]`: the mean colour times a matrix."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        kernel = np.random.default_rng(1).normal(size=(3, outputs)).astype(np.float32)
        self.kernel = tf.Variable(kernel)

    @tf.function(input_signature=[SPEC])
    def __call__(self, pixels: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(pixels, axis=(1, 2)) @ self.kernel


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("way", ["called", "signature", "predict"])
def test_each_way_to_call_it_gives_its_own_answer(tmp_path: Path, way: str) -> None:
    network = MeanColour(5)
    kept: tf.Module = network
    signatures = None
    if way != "called":
        kept = tf.Module()
        kept.inner = network.kernel
    if way == "signature":
        signatures = {
            "serving_default": tf.function(
                lambda pixels: {"out": tf.reduce_mean(pixels, (1, 2)) @ kept.inner},
                input_signature=[SPEC],
            )
        }
    if way == "predict":
        kept.predict = tf.function(
            lambda pixels: tf.reduce_mean(pixels, (1, 2)) @ kept.inner, input_signature=[SPEC]
        )
        signatures = {}
    tf.saved_model.save(kept, str(tmp_path / "m"), signatures=signatures)
    logits = IMAGES.mean(axis=(1, 2)) @ network.kernel.numpy()
    found = saved_network.build(IMAGES, SavedNetwork(weights=str(tmp_path / "m")), classes=5)
    np.testing.assert_allclose(found, softmax(logits), rtol=1e-5)
    # With one output more than classes, the first is the background.
    found = saved_network.build(IMAGES, SavedNetwork(weights=str(tmp_path / "m")), classes=4)
    np.testing.assert_allclose(found, softmax(logits[:, 1:]), rtol=1e-5)


def test_what_it_does_not_answer_is_said(tmp_path: Path) -> None:
    tf.saved_model.save(MeanColour(5), str(tmp_path / "m"))
    path = str(tmp_path / "m")
    with pytest.raises(BadInputError, match="must return 7 classes, or 8 with a background"):
        saved_network.build(IMAGES, SavedNetwork(weights=path), classes=7)
    with pytest.raises(BadInputError, match="do not sum to 1, so they are logits"):
        saved_network.build(IMAGES, SavedNetwork(weights=path, outputs=PROBABILITIES), classes=5)
    larger = np.zeros((1, 9, 9, 3), np.float32)
    with pytest.raises(BadInputError, match="does not accept images of shape"):
        saved_network.build(larger, SavedNetwork(weights=path), classes=5)


def test_it_needs_a_saved_model_and_no_training(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="phases must be"):
        saved_network.check(SavedNetwork(), task="t", trained=True)
    for weights in ("none", str(tmp_path)):
        with pytest.raises(BadInputError, match=f"saved_model.pb. Received: {weights}"):
            saved_network.check(SavedNetwork(weights=weights), task="t", trained=False)
    tf.saved_model.save(MeanColour(2), str(tmp_path))
    saved_network.check(SavedNetwork(weights=str(tmp_path)), task="t", trained=False)
