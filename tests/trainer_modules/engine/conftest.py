"""Tiny transformed Examples and tasks for the tests of training."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.layers import Dense, Flatten, GlobalAveragePool
from trainer_modules.engine.task.sources import TFRecords
from trainer_modules.engine.task.task import (
    Backbone,
    HeadOnly,
    Images,
    Network,
    Phase,
    Task,
    Training,
)


def blobs(count: int, *, size: int = 8, classes: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """Images uint8 whose bright column tells the class, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = rng.integers(0, 120, (count, size, size, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, label * (size // classes) : label * (size // classes) + 2] += 100
    return images, labels


def write_shards(
    folder: Path, split: str, images: Any, labels: Any, *, shards: int = 2, gzip: bool = False
) -> list[str]:
    """Writes transformed Examples.

    `labels` are class indices, multi-hot rows, id masks, or float targets.
    """
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    paths = [str(folder / f"{split}-{i:05d}") for i in range(shards)]
    for i, path in enumerate(paths):
        with tf.io.TFRecordWriter(path, "GZIP" if gzip else "") as writer:
            for n in range(i, len(images), shards):
                features = {"image": _bytes(tf.io.encode_png(images[n]).numpy())}
                features["id"] = _bytes(str(n).encode())
                if np.ndim(labels[n]) == 2:
                    mask = tf.io.encode_png(labels[n][..., None]).numpy()
                    features["mask"] = _bytes(mask)
                elif np.issubdtype(np.asarray(labels[n]).dtype, np.floating):
                    number = tf.train.FloatList(value=[float(labels[n])])
                    features["target"] = tf.train.Feature(float_list=number)
                else:
                    one = tf.train.Int64List(value=np.ravel(labels[n]).astype(int).tolist())
                    features["label"] = tf.train.Feature(int64_list=one)
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())
    return paths


def _bytes(value: bytes) -> Any:
    import tensorflow as tf

    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def tiny_task(**changes: Any) -> Task:
    """A task over `blobs`; `train__x` and plain names replace fields."""
    task = Task(
        name="tiny",
        source=TFRecords(),
        problem=Classification(classes=("left", "middle", "right")),
        input=Images(height=8, width=8, channels=1, store="png"),
        model=Network(layers=(Flatten(), Dense(16, "relu"))),
        phases=(Phase(epochs=3, learning_rate=0.01),),
        train=Training(batch_size=8, accelerator="cpu"),
    )
    train = {k.removeprefix("train__"): v for k, v in changes.items() if k.startswith("train__")}
    rest = {k: v for k, v in changes.items() if not k.startswith("train__")}
    return dataclasses.replace(task, train=dataclasses.replace(task.train, **train), **rest)


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Shards of 45 training and 20 evaluation blobs, as arguments of `train`."""
    folder = tmp_path_factory.mktemp("tiny")
    return {
        "train_files": write_shards(folder, "train", *blobs(45)),
        "eval_files": write_shards(folder, "eval", *blobs(20, seed=1)),
    }


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Task]:
    """Makes variations of the tiny task."""
    return tiny_task


@pytest.fixture(scope="session")
def shard_writer() -> Callable[..., list[str]]:
    """Writes shards, see `write_shards`."""
    return write_shards


@pytest.fixture(scope="session")
def make_blobs() -> Callable[..., tuple[Any, Any]]:
    """Makes images with labels, see `blobs`."""
    return blobs


@pytest.fixture
def run(tiny_files: dict[str, Any], tmp_path: Path) -> Callable[..., Any]:
    """Trains a task on the tiny shards, unless told otherwise."""
    from trainer_modules.engine.training import training

    def train(task: Task, **settings: Any) -> Any:
        given = {"model_dir": str(tmp_path / "model"), "log_dir": str(tmp_path / "logs")}
        return training.train(task, **{**tiny_files, **given, **settings})

    return train


@pytest.fixture
def scalars() -> Callable[[Path], dict[str, dict[int, float]]]:
    """Returns `<phase>/<part>/<tag>` → step → value, as TensorBoard's files in a folder hold it."""
    import tensorflow as tf
    from tensorflow.core.util.event_pb2 import Event

    def read(folder: Path) -> dict[str, dict[int, float]]:
        found: dict[str, dict[int, float]] = {}
        # A later file goes on where an earlier one was broken off.
        for file in sorted(folder.rglob("events.*"), key=lambda path: path.stat().st_mtime_ns):
            for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
                event = Event.FromString(record)
                for value in event.summary.value:
                    tag = f"{file.parent.relative_to(folder).as_posix()}/{value.tag}"
                    number = float(tf.make_ndarray(value.tensor))
                    found.setdefault(tag, {})[event.step] = number
        return found

    return read


def make_network_task(name: str, size: int, **model: Any) -> Task:
    """A task whose images are just large enough for the network."""
    return Task(
        name="tiny",
        source=TFRecords(),
        problem=Classification(classes=("a", "b", "c")),
        input=Images(height=size, width=size, store="png"),
        model=Backbone(name=name, **{"head": (GlobalAveragePool(),), **model}),
        phases=(Phase(epochs=1, learning_rate=0.01, trainable=HeadOnly()),),
    )


MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def set_statistics(layer: Any, mean: list[float], variance: list[float]) -> None:
    """Sets the statistics of a Normalization layer."""
    layer.set_weights([np.array(mean), np.array(variance), layer.get_weights()[2]])


def make_stand_in(name: str, size: int, folder: Path) -> Path:
    """Weights as somebody could publish them; statistics of EfficientNet as in the real file."""
    import tensorflow as tf
    import tf_keras

    from trainer_modules.engine.networks import backbones

    tf_keras.utils.set_random_seed(1)
    plain = getattr(tf_keras.applications, name)(
        weights=None, include_top=False, input_shape=(size, size, 3)
    )
    norms = [x for x in plain.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    scaling = [
        x for x in plain.layers if isinstance(x, tf_keras.layers.Normalization) and x.weights
    ]
    for layer in scaling:
        set_statistics(layer, MEAN, [d**2 for d in DEVIATION])
    for layer in norms:
        layer.momentum = 0.0
    # With its first moving averages a deep network answers every image alike.
    images = np.random.default_rng(2).integers(0, 256, (16, size, size, 3), np.uint8)
    plain(backbones.scaled(tf.constant(images), name), training=True)
    for layer in norms:
        *kept, variance = layer.get_weights()
        layer.set_weights([*kept, np.maximum(variance, variance.mean() / 4)])
    for layer in scaling:
        set_statistics(layer, MEAN, DEVIATION)
    path = folder / f"{name.lower()}_stand_in.h5"
    plain.save_weights(str(path))
    return path


@pytest.fixture(scope="session")
def network_task() -> Callable[..., Task]:
    """Makes a task over a published network, see `make_network_task`."""
    return make_network_task


@pytest.fixture(scope="session")
def stand_in() -> Callable[[str, int, Path], Path]:
    """Makes a file of weights, see `make_stand_in`."""
    return make_stand_in


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes modules (path → text) below a root and returns the root."""

    def put(**modules: str) -> Path:
        for name, text in modules.items():
            path = tmp_path / "components" / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            for folder in [path.parent, *path.parent.parents]:
                if folder == tmp_path:
                    break
                (folder / "__init__.py").touch()
        return tmp_path

    return put


@pytest.fixture(autouse=True)
def _determinism_ends_with_its_test() -> Iterator[None]:
    """Undoes `train.deterministic`, which holds for the whole process and so for later tests."""
    yield
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import config

        config.disable_op_determinism()
