import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from PIL import Image as Pillow

from trainer_modules import boston_housing, digits
from trainer_modules.engine.problems import Binary
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Columns


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def pngs(images) -> list[bytes]:
    found = []
    for image in images:
        out = io.BytesIO()
        Pillow.fromarray(image[..., 0]).save(out, "PNG")
        found.append(out.getvalue())
    return found


def _network(outputs: int, activation: str) -> tf_keras.Model:
    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((8, 8, 1), dtype=tf.uint8)
    scaled = tf_keras.layers.Rescaling(1 / 255)(inputs)
    features = tf_keras.layers.Flatten()(scaled)
    return tf_keras.Model(inputs, tf_keras.layers.Dense(outputs, activation=activation)(features))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory):
    folder = str(tmp_path_factory.mktemp("model"))
    model = _network(10, "softmax")
    serving.save(model, digits.TASK, folder)
    return model, tf.saved_model.load(folder), Path(folder)


def test_encoded_bytes_give_the_models_probabilities(saved, images, pngs) -> None:
    model, loaded, _ = saved
    out = loaded.signatures["serving_default"](image_bytes=tf.constant(pngs))
    expected = model.predict(images, verbose=0)
    assert np.allclose(out["probabilities"], expected, atol=1e-6)
    assert [n.decode() for n in out["label"].numpy()] == [str(i) for i in expected.argmax(1)]
    assert np.allclose(out["score"], expected.max(1), atol=1e-6)


def test_examples_give_the_same(saved, pngs) -> None:
    _, loaded, _ = saved
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[png])),
                    "label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"3"])),
                }
            )
        ).SerializeToString()
        for png in pngs
    ]
    one = loaded.signatures["serving_default"](image_bytes=tf.constant(pngs))
    other = loaded.signatures["examples"](examples=tf.constant(examples))
    assert np.array_equal(one["probabilities"], other["probabilities"])


def test_junk_is_an_error_and_an_empty_batch_is_none(saved) -> None:
    _, loaded, _ = saved
    serve = loaded.signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError):
        serve(image_bytes=tf.constant([b"junk"]))
    assert serve(image_bytes=tf.constant([], tf.string))["probabilities"].shape == (0, 10)


def test_classes_and_task_ride_along(saved) -> None:
    _, _, folder = saved
    assert (folder / "assets" / "classes.txt").read_text().split() == list("0123456789")
    text = (folder / "assets" / "task.json").read_text()
    assert overrides.from_json(text) == digits.TASK


def test_one_sigmoid_serves_both_probabilities(images, pngs, tmp_path) -> None:
    model = _network(1, "sigmoid")
    task = replace(digits.TASK, problem=Binary(classes=("odd", "even")))
    serving.save(model, task, str(tmp_path))
    out = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](
        image_bytes=tf.constant(pngs)
    )
    second = model.predict(images, verbose=0)[:, 0]
    assert np.allclose(out["probabilities"], np.stack([1 - second, second], 1), atol=1e-6)
    assert out["label"].numpy().tolist() == [b"even" if p > 0.5 else b"odd" for p in second]


def test_a_table_is_served_by_column(tmp_path) -> None:
    task = replace(boston_housing.TASK, input=Columns(names=("RM", "AGE")))
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(2,))])
    model.set_weights([np.array([[2.0], [10.0]]), np.array([1.0])])
    serving.save(model, task, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    out = loaded.signatures["serving_default"](
        RM=tf.constant([1.0, 2.0]), AGE=tf.constant([0.0, 1.0])
    )
    assert out["value"].numpy().tolist() == [3.0, 15.0]
