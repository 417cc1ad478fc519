"""Tiny transformed Examples and tasks for the tests of training."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.layers import Dense, Flatten
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.sources import TFRecords
from trainer_modules.engine.task import Image, Network, Phase, Task, Training


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
    """Writes transformed Examples; `labels` are class indices, or id masks uint8 [h, w]."""
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    paths = [str(folder / f"{split}-{i:05d}") for i in range(shards)]
    for i, path in enumerate(paths):
        with tf.io.TFRecordWriter(path, "GZIP" if gzip else "") as writer:
            for n in range(i, len(images), shards):
                features = {"image": _bytes(tf.io.encode_png(images[n]).numpy())}
                features["id"] = _bytes(str(n).encode())
                if np.ndim(labels[n]):
                    mask = tf.io.encode_png(labels[n][..., None]).numpy()
                    features["mask"] = _bytes(mask)
                else:
                    one = tf.train.Int64List(value=[int(labels[n])])
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
        image=Image(height=8, width=8, channels=1, store="png"),
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
    from trainer_modules.engine import training

    def train(task: Task, **settings: Any) -> Any:
        given = {"model_dir": str(tmp_path / "model"), "log_dir": str(tmp_path / "logs")}
        return training.train(task, **{**tiny_files, **given, **settings})

    return train
