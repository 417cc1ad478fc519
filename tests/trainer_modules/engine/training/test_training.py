"""Training: equal to plain Keras, phase after phase, for every kind of problem."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.trainer_modules.engine.training.curves import curve
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task.layers import GlobalAveragePool
from trainer_modules.engine.task.task import (
    Backbone,
    Columns,
    Everything,
    HeadOnly,
    Images,
    Network,
    Optimizer,
    Phase,
    Task,
)
from trainer_modules.engine.training import examples


def test_learns_and_measures_as_keras_does(
    run: Callable[..., Any], tiny: Callable[..., Task], make_blobs: Callable[..., Any]
) -> None:
    trained = run(tiny(phases=(Phase(epochs=8, learning_rate=0.02),)))
    images, labels = make_blobs(20, seed=1)
    plain = tf_keras.models.clone_model(trained.model)
    plain.set_weights(trained.model.get_weights())
    plain.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = plain.evaluate(images, labels, batch_size=8, verbose=0)
    last = trained.history["epochs"][-1]
    assert last["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert last["val_accuracy"] == pytest.approx(accuracy)
    assert accuracy > 0.9
    assert trained.model.input.dtype == tf.uint8


def test_gives_the_curve_of_plain_keras(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    make_blobs: Callable[..., Any],
    tiny_files: dict[str, list[str]],
) -> None:
    """Without shuffling, the same batches as `model.fit` on arrays, and the same numbers."""
    task = tiny(train__shuffle=0, train__optimizer=Optimizer(name="rmsprop", momentum=0.5))
    trained = run(task)
    stored = examples.in_order(examples.measure(task, tiny_files["train_files"], "train"))
    features = (tf.train.Example.FromString(s).features for s in stored.as_numpy_iterator())
    order = [int(f.feature["id"].bytes_list.value[0]) for f in features]
    images, labels = (part[order] for part in make_blobs(45))
    tf_keras.utils.set_random_seed(0)
    from trainer_modules.engine.networks import models

    model = models.build(task).model
    model.compile(
        optimizer=tf_keras.optimizers.RMSprop(0.01, momentum=0.5),
        loss="sparse_categorical_crossentropy",
    )
    plain = model.fit(images[:40], labels[:40], batch_size=8, epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(curve(trained), plain.history["loss"], rtol=1e-4)


def test_weights_do_not_depend_on_how_examples_are_cut_into_shards(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    make_blobs: Callable[..., Any],
    shard_writer: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    def weights(shards: int, megabytes: int) -> str:
        folder = tmp_path / f"{shards} {megabytes}"
        files = {
            f"{split}_files": shard_writer(folder, split, *make_blobs(count, seed=1), shards=shards)
            for split, count in (("train", 45), ("eval", 20))
        }
        # In the other order of files, too.
        files = {name: paths[::-1] for name, paths in files.items()}
        epoch = (Phase(epochs=1, learning_rate=0.01),)
        trained = run(tiny(phases=epoch, train__cache_megabytes=megabytes), **files)
        digest = hashlib.sha256()
        for part in trained.model.get_weights():
            digest.update(part.tobytes())
        return digest.hexdigest()

    whole = weights(1, 2048)
    assert {weights(2, 2048), weights(5, 2048), weights(5, 0)} == {whole}


def test_a_frozen_base_does_not_change(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
) -> None:
    from trainer_modules.engine.networks import backbones

    base = backbones.build("MobileNetV2", height=32, width=32, alpha=0.35)
    path = str(tmp_path / "base.h5")
    base.save_weights(path)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    files = shard_writer(tmp_path / "rgb", "train", images, np.arange(8) % 3)
    model = Backbone(name="MobileNetV2", alpha=0.35, weights=path, head=(GlobalAveragePool(),))

    def trained_base(trainable: Any) -> list[np.ndarray]:
        task = tiny(
            input=Images(height=32, width=32, store="png"),
            model=model,
            phases=(Phase(epochs=1, learning_rate=0.01, trainable=trainable),),
            train__batch_size=4,
        )
        trained = run(task, train_files=files, eval_files=files)
        return next(x for x in trained.model.layers if x.name.startswith("mobilenet")).get_weights()

    before = base.get_weights()
    assert all(map(np.array_equal, before, trained_base(HeadOnly())))
    names = [w.name for w in base.weights]
    for name, a, b in zip(names, before, trained_base(Everything()), strict=True):
        norm = any(part in name for part in ("moving_", "gamma", "beta"))
        assert np.array_equal(a, b) == norm, name


def test_a_table_trains(run: Callable[..., Any], tiny: Callable[..., Task], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(64, 2)).astype(np.float32)
    targets = rows @ [2.0, -1.0] + 3.0
    path = str(tmp_path / "rows")
    with tf.io.TFRecordWriter(path) as writer:
        for (a, b), y in zip(rows, targets, strict=True):
            values = {"a": a, "b": b, "target": y}
            features = {
                k: tf.train.Feature(float_list=tf.train.FloatList(value=[v]))
                for k, v in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    task = tiny(
        input=Columns(names=("a", "b")),
        problem=Regression(target="y"),
        model=Network(),
        phases=(Phase(epochs=30, learning_rate=0.1),),
    )
    trained = run(task, train_files=[path], eval_files=[path])
    kernel, bias = trained.model.get_weights()
    np.testing.assert_allclose([*kernel[:, 0], *bias], [2, -1, 3], atol=0.05)
    assert "val_mae" in trained.history["epochs"][-1]
