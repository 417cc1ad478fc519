"""What is exported computes what was trained, whatever the weights, devices and precision."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from trainer_modules.engine.errors import TrainingError
from trainer_modules.engine.networks import backbones, models
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.task import Everything, Phase, Task
from trainer_modules.engine.training import exported, strategy, training
from trainer_modules.engine.training import run as engine_run


@pytest.fixture(scope="module")
def efficientnet(stand_in: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in("EfficientNetB0", 32, tmp_path_factory.mktemp("efficientnet"))


@pytest.fixture
def downloads(efficientnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras "downloads" the stand-in; the rest of its `weights="imagenet"` runs as it is."""
    from tf_keras.src.utils import data_utils

    monkeypatch.setattr(data_utils, "get_file", lambda *_, **__: str(efficientnet))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_published_efficientnet_computes_what_that_of_keras_does(
    efficientnet: Path, downloads: None, tmp_path: Path, policy: str
) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    settings: dict[str, Any] = {"include_top": False, "input_shape": (32, 32, 3)}
    keras = tf_keras.applications.EfficientNetB0(weights="imagenet", **settings)
    expected = keras(images, training=False).numpy()
    # A file under Keras' own name is that file, whatever statistics it holds.
    blank = tf_keras.applications.EfficientNetB0(weights=str(efficientnet), **settings)
    norm = next(x for x in blank.layers if isinstance(x, tf_keras.layers.Normalization))
    norm.set_weights([np.zeros(3), np.ones(3), norm.get_weights()[2]])
    unscaled = blank(images, training=False).numpy()
    for name in ("efficientnetb0_notop.h5", "own.h5", "own.weights.h5"):
        blank.save_weights(str(tmp_path / name))
    assert exported.difference(expected, unscaled, rows=True) > 0.1

    tf_keras.mixed_precision.set_global_policy(policy)
    try:
        found = {
            weights: backbones.build("EfficientNetB0", height=32, width=32, weights=weights)
            for weights in ("imagenet", str(efficientnet))
        }
        own = [
            backbones.build("EfficientNetB0", height=32, width=32, weights=str(tmp_path / name))
            for name in ("own.h5", "own.weights.h5")
        ]
        named = backbones.build(
            "EfficientNetB0",
            height=32,
            width=32,
            weights=str(tmp_path / "efficientnetb0_notop.h5"),
        )
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    low = policy != "float32"
    # The wrong network is at 0.9; bfloat16 keeps three digits in each of 80 layers.
    within = 0.4 if low else 1e-4
    for base in found.values():
        assert base.layers[-1].compute_dtype == ("bfloat16" if low else "float32")
        answers = tf.cast(base(images, training=False), tf.float32).numpy()
        assert exported.difference(expected, answers, rows=True) < within
    for base in own:
        answers = tf.cast(base(images, training=False), tf.float32).numpy()
        assert exported.difference(unscaled, answers, rows=True) < within
    variance = named.get_layer(index=2).get_weights()[1]
    rtol = 1e-2 if low else 1e-5
    np.testing.assert_allclose(variance.astype(np.float32), DEVIATION, rtol=rtol)


def rgb_files(shard_writer: Callable[..., list[str]], folder: Path, size: int) -> list[str]:
    images = np.random.default_rng(0).integers(0, 256, (24, size, size, 3), np.uint8)
    return shard_writer(folder, "train", images, np.arange(24) % 3)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_trains_and_float32_is_exported(
    run: Callable[..., Any],
    network_task: Callable[..., Task],
    shard_writer: Callable[..., list[str]],
    efficientnet: Path,
    downloads: None,
    tmp_path: Path,
    precision: str,
) -> None:
    files = rgb_files(shard_writer, tmp_path / "rgb", 32)
    task = network_task("EfficientNetB0", 32, weights="imagenet")
    train = dataclasses.replace(task.train, precision=precision, batch_size=8, accelerator="cpu")
    trained = run(dataclasses.replace(task, train=train), train_files=files, eval_files=files)
    layers = list(trained.model._flatten_layers())
    assert len(layers) > 200
    assert {x.compute_dtype for x in layers} <= {"float32", "uint8"}
    assert {w.dtype for w in trained.model.weights} <= {tf.float32, tf.int64}
    assert f"trained in {precision}; every layer is exported in float32" in trained.summary_text


@dataclasses.dataclass(frozen=True)
class FnArgs:
    """The part of TFX's that `run.run` reads."""

    train_files: list[str]
    eval_files: list[str]
    serving_model_dir: str
    model_run_dir: str
    custom_config: dict[str, str]
    hyperparameters: None = None


def test_another_network_stops_the_run_before_anything_is_written(
    network_task: Callable[..., Task],
    stand_in: Callable[..., Path],
    shard_writer: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the export did until it copied the trained network: build it again, a bit otherwise."""
    files = rgb_files(shard_writer, tmp_path / "rgb", 32)
    weights = stand_in("MobileNetV2", 32, tmp_path)
    task = network_task("MobileNetV2", 32, weights=str(weights))
    train = dataclasses.replace(task.train, precision="mixed_float16", batch_size=8)
    task = dataclasses.replace(task, train=train)
    model: Any = dataclasses.replace(task.model, scaling="unit")
    other = dataclasses.replace(task, model=model)
    args = FnArgs(
        train_files=files,
        eval_files=files,
        serving_model_dir=str(tmp_path / "serving"),
        model_run_dir=str(tmp_path / "run"),
        custom_config={"checkpoints": str(tmp_path / "states")},
    )
    copy = exported._copy

    def built_again(_: Any, *, float32: bool = True) -> Any:
        with training._precision("float32" if float32 else "mixed_float16"):
            return models.build(other).model

    monkeypatch.setattr(exported, "_copy", built_again)
    with pytest.raises(
        TrainingError, match="does not compute the same as the trained.*nothing was exp"
    ):
        engine_run.run(task, args)
    assert not (tmp_path / "serving").exists()
    assert not (tmp_path / "run" / "history.json").exists()
    # Mended, the run goes on where it was: after the last epoch.
    assert list((tmp_path / "states").iterdir())
    monkeypatch.setattr(exported, "_copy", copy)
    monkeypatch.setattr(training.PhaseRun, "fit", None)
    engine_run.run(task, args)
    assert (tmp_path / "serving" / "saved_model.pb").exists()
    assert not list((tmp_path / "states").iterdir())


def test_logits_are_compared_relative_to_their_size() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (50, 10)).astype(np.float32)
    softmax = tf.nn.softmax(logits).numpy()
    shifted = tf.nn.softmax(logits + 7).numpy()
    assert exported.difference(softmax, shifted) < 1e-4
    rounded = tf.nn.softmax(logits * (1 + 0.01 * rng.choice([-1, 1], logits.shape))).numpy()
    assert 0.005 < exported.difference(softmax, rounded) < 0.015
    sigmoid = tf.sigmoid(logits[:, :1]).numpy()
    assert exported.difference(sigmoid, tf.sigmoid(1.1 * logits[:, :1]).numpy()) == pytest.approx(
        0.1, rel=1e-3
    )
    assert exported.difference(logits, 1.1 * logits, rows=True) == pytest.approx(0.1, rel=1e-3)


@pytest.mark.slow
def test_two_replicas_export_the_efficientnet_that_they_trained(
    network_task: Callable[..., Task],
    shard_writer: Callable[..., list[str]],
    efficientnet: Path,
    tmp_path: Path,
) -> None:
    """Whole trainings in a process of their own: validation is that of the exported model."""
    size = 32
    rng = np.random.default_rng(0)
    labels = np.arange(48) % 3
    images = rng.integers(0, 60, (48, size, size, 3), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[..., label] += 150
    files = shard_writer(tmp_path / "rgb", "train", images, labels)
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    task = network_task("EfficientNetB0", size, weights="imagenet")
    phases = (Phase(epochs=6, learning_rate=3e-5, trainable=Everything()),)
    train = dataclasses.replace(task.train, batch_size=8, accelerator="cpu")
    task = dataclasses.replace(task, phases=phases, train=train)
    (tmp_path / "task.json").write_text(serialisation.to_json(task))
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path), str(efficientnet), *files],
        env={**os.environ, strategy.LOGICAL_CPUS: "2"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["replicas"] == 2
    assert found["exported"] == pytest.approx(found["validated"], rel=1e-4)


DEVIATION = [0.229, 0.224, 0.225]

TRAIN = """
import json, sys
import numpy as np
import scipy.special
import trainer_modules
import tf_keras
from tf_keras.src.utils import data_utils
from trainer_modules.engine.training import training
from trainer_modules.engine.task.serialisation import from_json
folder, file, *files = sys.argv[1:]
data_utils.get_file = lambda *a, **k: file
task = from_json(open(folder + "/task.json").read())
trained = training.train(task, train_files=files, eval_files=files, model_dir="-", log_dir=folder)
held = np.load(folder + "/images.npz")
# As Keras does: from the logits, since random weights give probabilities that float32 rounds to 0.
logits = tf_keras.Model(trained.model.input, trained.model.get_layer("logits").output)
scores = logits.predict(held["images"], verbose=0).astype(np.float64)
likelihood = scores[np.arange(48), held["labels"]] - scipy.special.logsumexp(scores, axis=1)
loss = -likelihood.mean()
last = trained.history["epochs"][-1]
print(json.dumps({"exported": float(loss), "validated": last["val_loss"],
    "replicas": int(trained.history["placement"].split("replicas ")[1].split(",")[0])}))
"""
