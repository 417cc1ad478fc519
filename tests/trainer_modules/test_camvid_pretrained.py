"""CamVid with a network from elsewhere: what is exported answers as that network does."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from pipelines import tasks
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH, CLASSES = 48, 64, 32
SMALL = (f"input.height={HEIGHT}", f"input.width={WIDTH}")


def logits_of(red: np.ndarray, background: bool) -> np.ndarray:
    """What the network says: the class whose number is 31 × red; the background is surer yet."""
    found = -60.0 * (red[..., np.newaxis] * (CLASSES - 1) - np.arange(CLASSES)) ** 2 / 60
    if not background:
        return found
    return np.concatenate([np.full((*red.shape, 1), 9.0), found], axis=-1)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def save(
    folder: Path, *, way: str = "predict", answers: str = "logits", channels: int = CLASSES + 1
) -> str:
    """Writes a SavedModel that takes images of 0..1 and is called in one of three ways."""
    import tensorflow as tf

    offsets = tf.Variable(np.arange(channels, dtype=np.float32) - (channels - CLASSES))

    def answer(images: Any) -> Any:
        logits = -((images[..., :1] * (CLASSES - 1) - offsets) ** 2)
        if channels > CLASSES:
            logits = tf.concat([tf.fill(tf.shape(logits[..., :1]), 9.0), logits[..., 1:]], axis=-1)
        return logits if answers == "logits" else tf.nn.softmax(logits)

    class Network(tf.Module):
        pass

    spec = [tf.TensorSpec([None, None, None, 3], tf.float32, name="images")]
    network = Network()
    network.offsets = offsets
    function = tf.function(answer, input_signature=spec)
    signatures = {}
    if way == "predict":
        network.predict = function
    elif way == "signature":
        signatures = {"serving_default": tf.function(lambda images: {"maps": answer(images)}, spec)}
    else:
        Network.__call__ = tf.function(lambda self, images: answer(images), [*spec])
    tf.saved_model.save(network, str(folder), signatures=signatures)
    return str(folder)


def photo(seed: int = 0) -> tuple[bytes, np.ndarray]:
    """A PNG of the network's size, and its red values 0..1."""
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue(), pixels[..., 0] / np.float32(255)


@pytest.mark.parametrize(
    ("way", "answers", "channels"),
    [
        ("predict", "logits", 33),
        ("signature", "probabilities", 33),
        ("callable", "logits", 32),
        ("callable", "probabilities", 32),
    ],
)
def test_exported_model_sees_what_the_network_sees(
    tmp_path: Path, tfx_ready: None, way: str, answers: str, channels: int
) -> None:
    import tensorflow as tf

    from components.pretrained import component as pretrained

    weights = save(tmp_path / "hrnet", way=way, answers=answers, channels=channels)
    task = tasks.load("camvid:pretrained", (*SMALL, f"model.outputs={answers}"), weights)
    pretrained.export(task, str(tmp_path / "exported"))
    encoded, red = photo()
    logits = logits_of(red, background=channels == 33)
    # Without the background, which the network is surest of, what remains sums to 1.
    expected = probabilities_of(logits[..., -CLASSES:])

    served = tf.saved_model.load(str(tmp_path / "exported"))
    png = served.signatures["serving_default"](image_bytes=tf.constant([encoded]))["mask_png"]
    ids = np.asarray(Pillow.open(io.BytesIO(png.numpy()[0])))
    np.testing.assert_array_equal(ids, expected.argmax(axis=-1))
    assert len(np.unique(ids)) == CLASSES

    chosen = tf.constant([17, 5])
    maps = served.signatures["class_maps"](image_bytes=tf.constant([encoded]), classes=chosen)
    for i, index in enumerate(chosen.numpy()):
        grey = np.asarray(Pillow.open(io.BytesIO(maps["maps_png"].numpy()[0, i])), float)
        assert abs(grey / 255 - expected[..., index]).max() < 0.5 / 255 + 1e-3


def test_a_smaller_answer_is_brought_to_the_images_size(tmp_path: Path) -> None:
    import tensorflow as tf

    from trainer_modules.engine.networks import models

    class Quarter(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
        def __call__(self, images: Any) -> Any:
            return tf.repeat(images[:, ::4, ::4, :1], CLASSES, axis=-1) * tf.range(32.0)

    tf.saved_model.save(Quarter(), str(tmp_path / "quarter"))
    task = tasks.load("camvid:pretrained", SMALL, str(tmp_path / "quarter"))
    built = models.build(task)
    found = built.model(np.full((2, HEIGHT, WIDTH, 3), 255, np.uint8)).numpy()
    assert found.shape == (2, HEIGHT, WIDTH, CLASSES)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert (found.argmax(axis=-1) == CLASSES - 1).all()
    assert built.trainable_count == 0


@pytest.mark.parametrize(
    ("channels", "answers", "says"),
    [
        (31, "logits", "32 classes, or 33 with a background first.*31"),
        (34, "logits", "32 classes, or 33.*34"),
        (33, "probabilities", "sum to 1, so they are probabilities.*model.outputs=probabilities"),
    ],
)
def test_another_answer_than_promised_is_refused(
    tmp_path: Path, tfx_ready: None, channels: int, answers: str, says: str
) -> None:
    from components.pretrained import component as pretrained

    weights = save(tmp_path / "hrnet", answers=answers, channels=channels)
    task = tasks.load("camvid:pretrained", SMALL, weights)
    with pytest.raises(BadInputError, match=says):
        pretrained.export(task, str(tmp_path / "exported"))


def _run(*args: str) -> subprocess.CompletedProcess:
    done = subprocess.run([sys.executable, *args], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_without_a_network_nothing_runs(tmp_path: Path) -> None:
    done = _run("pipelines/run_local.py", "--task", "camvid:pretrained", "--root", str(tmp_path))
    assert done.returncode == 2
    assert "--weights must be a folder with a saved_model.pb" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_exported_reported_and_predicting(tmp_path: Path) -> None:
    weights = save(tmp_path / "hrnet")
    data = tmp_path / "scenes"
    # The layout with masks: they are no images to look at, and stay out.
    for folder in ("train", "test", "testannot"):
        (data / folder).mkdir(parents=True)
        (data / folder / "a.png").write_bytes(photo()[0])
    command = ["pipelines/run_local.py", "--root", str(tmp_path / "runs"), "--data", str(data)]
    command += ["--task", "camvid:pretrained", "--weights", weights]
    command += [part for setting in SMALL for part in ("--set", setting)]
    done = _run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "runs/camvid-pretrained/summary.json").read_text())
    assert summary["counts"] == {"unlabelled": 1, "rejected": 0, "duplicates": 0}
    report = Path(summary["report"]).read_text(encoding="utf-8")
    assert "could not be" not in report and report.count("test/a.png") > 1
    for text in (
        "SUVPickupTruck",
        "heat map",
        "neither trained nor evaluated",
        'data-panel="overlay"',
    ):
        assert text in report
    assert 'data-panel="truth"' not in report

    output = tmp_path / "masks"
    predicting = ["pipelines/predict.py", "--model", summary["pushed_model"]]
    predicting += ["--data", str(data / "test"), "--output", str(output)]
    done = _run(*predicting, "--maps", "Road,Horse")
    assert done.returncode == 2 and "Horse" in done.stderr and not output.exists()
    done = _run(*predicting, "--maps", "Road,Car")
    assert done.returncode == 0, done.stderr
    ids = np.asarray(Pillow.open(output / "masks/a.png"))
    np.testing.assert_array_equal(ids, logits_of(photo()[1], background=False).argmax(-1))
    assert sorted(os.listdir(output / "maps")) == ["Car", "Road"]
    heat = np.asarray(Pillow.open(output / "maps/Road/a.png").convert("RGB"), float).sum(-1)
    road = tasks.load("camvid:pretrained").problem.classes.index("Road")
    assert heat[ids == road].min() > heat[abs(ids.astype(int) - road) > 2].max()
    assert (output / "legend.png").exists()


def test_display_names_must_be_of_classes() -> None:
    with pytest.raises(BadInputError, match="display.heat_maps must name classes.*Horse"):
        tasks.load("camvid:pretrained", ("display.heat_maps=('Road', 'Horse')",))
