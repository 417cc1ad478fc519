"""ImageNet as it comes: what is exported answers as `keras.applications` does."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from pipelines import tasks
from tests.components.pusher.exports import served
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[2]
SIZE = 96
SMALL = ("model.alpha=0.35", f"input.height={SIZE}", f"input.width={SIZE}")
MODULES = {
    "imagenet": "resnet50",
    "imagenet:vgg16": "vgg16",
    "imagenet:inceptionv3": "inception_v3",
    "imagenet:mobilenetv2": "mobilenet_v2",
}


@pytest.fixture(scope="module")
def network() -> Any:
    """MobileNetV2 as Keras builds it; its weights are chance, its answers far from even."""
    import tf_keras

    tf_keras.utils.set_random_seed(7)
    found = tf_keras.applications.MobileNetV2((SIZE, SIZE, 3), alpha=0.35, weights=None)
    pixels = np.random.default_rng(0).uniform(-1, 1, (4, SIZE, SIZE, 3)).astype(np.float32)
    features = tf_keras.Model(found.input, found.layers[-2].output)(pixels).numpy()
    kernel, bias = found.layers[-1].get_weights()
    # As it comes, an untrained network says 1/1000 for everything.
    found.layers[-1].set_weights([kernel * 3 / (features @ kernel).std(), bias])
    return found


@pytest.fixture(scope="module")
def weights(network: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "mobilenet.h5"
    network.save_weights(path)
    return str(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five PNGs of the network's size, so that nothing is resized; one in a folder of its own."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "more").mkdir()
    generator = np.random.default_rng(3)
    for i in range(5):
        coarse = Pillow.fromarray(generator.integers(0, 255, (3 + i, 4, 3), np.uint8))
        picture = coarse.resize((SIZE, SIZE), Pillow.Resampling.BICUBIC)
        picture.save(folder / ("more" if i == 4 else "") / f"{i}.png")
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def exported(weights: str, tmp_path_factory: pytest.TempPathFactory, tfx_ready: None) -> Path:
    from components.pretrained import component as pretrained

    folder = tmp_path_factory.mktemp("exported") / "1"
    pretrained.export(tasks.load("imagenet:mobilenetv2", SMALL, weights), str(folder))
    return folder


@pytest.fixture(scope="module")
def truth(network: Any, photos: Path) -> dict[str, np.ndarray]:
    """Path → probabilities, as Keras' documentation says to get them."""
    from tf_keras.applications.mobilenet_v2 import preprocess_input

    found = {}
    for path in sorted(photos.rglob("*.png")):
        pixels = np.asarray(Pillow.open(path), np.float32)[np.newaxis]
        name = path.relative_to(photos).as_posix()
        found[name] = network(preprocess_input(pixels), training=False).numpy()[0]
    return found


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keras' `decode_predictions`, with the file that it would download."""
    from tf_keras.src.applications import imagenet_utils

    listed = json.loads((ROOT / "trainer_modules" / "imagenet_classes.json").read_text())
    index = {str(i): synset for i, synset in enumerate(listed)}
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", index)
    return imagenet_utils.decode_predictions


@pytest.mark.parametrize("spelling", MODULES)
def test_scaling_is_that_of_the_networks_own_module(spelling: str) -> None:
    import importlib

    import tf_keras

    from trainer_modules.engine.networks import backbones

    task = tasks.load(spelling)
    inputs = tf_keras.Input((8, 8, 3), dtype="uint8")
    scaling = tf_keras.Model(inputs, backbones.scaled(inputs, task.model.name))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    module = importlib.import_module(f"tf_keras.applications.{MODULES[spelling]}")
    expected = module.preprocess_input(pixels.astype(np.float32))
    np.testing.assert_allclose(scaling(pixels).numpy(), expected, atol=1e-4)
    assert (task.input.height, task.input.width) == (
        (299, 299) if spelling == "imagenet:inceptionv3" else (224, 224)
    )


def test_names_and_ids_are_those_that_decode_predictions_shows() -> None:
    problem = tasks.load("imagenet").problem
    known = {
        0: ("n01440764", "tench"),
        134: ("n02012849", "crane"),
        207: ("n02099601", "golden_retriever"),
        281: ("n02123045", "tabby"),
        517: ("n03126707", "crane"),
        817: ("n04285008", "sports_car"),
        954: ("n07753592", "banana"),
        999: ("n15075141", "toilet_tissue"),
    }
    for index, (class_id, name) in known.items():
        assert (problem.ids[index], problem.classes[index]) == (class_id, name)
    # As published, in the order of the ids.
    assert list(problem.ids) == sorted(set(problem.ids)) and len(problem.ids) == 1000


def test_exported_model_answers_as_keras_does(
    exported: Path, photos: Path, truth: dict[str, np.ndarray], decode: Any
) -> None:
    import tensorflow as tf

    images = tf.constant([(photos / name).read_bytes() for name in truth])
    answer = tf.saved_model.load(str(exported)).signatures["serving_default"](image_bytes=images)
    expected = np.stack(list(truth.values()))
    assert expected.max(axis=1).min() > 0.01  # far from even
    np.testing.assert_allclose(answer["probabilities"].numpy(), expected, atol=1e-5)
    for i, ((class_id, name, score),) in enumerate(decode(expected, top=1)):
        assert answer["label"].numpy()[i].decode() == name
        assert answer["class_id"].numpy()[i].decode() == class_id
        assert answer["score"].numpy()[i] == pytest.approx(score, abs=1e-5)


def _predicted(exported: Path, photos: Path, output: Path, **options: Any) -> str:
    from components.bulk_predict import run
    from pipelines.config import RunConfig

    run.predict(
        model_folder=str(exported),
        data=str(photos),
        output=str(output),
        beam_args=RunConfig().beam_args,
        **options,
    )
    return output.read_text()


def test_prediction_names_the_five_most_probable(
    exported: Path, photos: Path, truth: dict[str, np.ndarray], decode: Any, tmp_path: Path
) -> None:
    text = _predicted(exported, photos, tmp_path / "out.csv")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == set(truth)
    for name, probabilities in truth.items():
        (best,) = decode(probabilities[np.newaxis], top=5)
        for rank, (class_id, label, score) in enumerate(best, start=1):
            end = f"_{rank}" if rank > 1 else ""
            row = rows[name]
            assert (row[f"class_id{end}"], row[f"label{end}"]) == (class_id, label)
            assert float(row[f"score{end}"]) == pytest.approx(score, abs=1e-5)
    assert "label_6" not in text


def test_classes_that_share_a_name_stay_apart(
    exported: Path, photos: Path, truth: dict[str, np.ndarray], tmp_path: Path
) -> None:
    first = json.loads(_predicted(exported, photos, tmp_path / "all.jsonl").splitlines()[0])
    assert len(first["probabilities"]) == 1000
    expected = truth[first["id"]]
    for index, class_id in ((134, "n02012849"), (517, "n03126707")):
        found = first["probabilities"][class_id]
        assert found == pytest.approx(float(expected[index]), abs=1e-5)


def test_weights_without_the_classifier_are_refused(
    network: Any, tmp_path: Path, tfx_ready: None
) -> None:
    import tf_keras

    from components.pretrained import component as pretrained

    path = tmp_path / "no_top.h5"
    tf_keras.Model(network.inputs, network.layers[-3].output).save_weights(path)
    with pytest.raises(BadInputError, match="including the classifier"):
        pretrained.export(tasks.load("imagenet:mobilenetv2", SMALL, str(path)), str(tmp_path / "m"))
    headless = tasks.load("imagenet:mobilenetv2", (*SMALL, "model.include_top=false"), "none")
    with pytest.raises(BadInputError, match="1,000 probabilities|its classifier"):
        pretrained.export(headless, str(tmp_path / "m"))


def _run(*args: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_HOME": "/nonexistent"},
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def _named_in(report: str, name: str) -> list[tuple[str, float]]:
    """Returns what the report's figure of an image says: name with id, and per cent."""
    figure = report.split(f'<figure data-id="{name}">')[1].split("</figure>")[0]
    lines = [re.sub(r"<[^>]*>", "", line) for line in re.findall("<li>(.*?)</li>", figure)]
    pairs = [line.rsplit(" ", 1) for line in lines]
    return [(text, float(percent.rstrip("%"))) for text, percent in pairs]


@pytest.mark.slow
def test_exported_checked_pushed_and_predicting(
    weights: str, photos: Path, truth: dict[str, np.ndarray], decode: Any, tmp_path: Path
) -> None:
    command = ["pipelines/run_local.py", "--root", str(tmp_path), "--task", "imagenet:mobilenetv2"]
    command += [part for setting in SMALL for part in ("--set", setting)]
    summary_file = tmp_path / "imagenet-mobilenetv2" / "summary.json"
    for data, status in (([], "pushed"), (["--data", str(photos)], "nothing_new")):
        done = _run(*command, "--weights", weights, *data)
        assert done.returncode == 0, done.stdout + done.stderr
        summary = json.loads(summary_file.read_text())
        assert summary["status"] == status and summary["serving"]["passed"]
        assert summary["metrics"] == summary["per_class"] == {} and summary["gates"] == []
        report = Path(summary["report"]).read_text(encoding="utf-8")
        assert "could not be" not in report and "neither trained nor evaluated" in report
        card = Path(summary["pushed_model"], "MODEL_CARD.md").read_text(encoding="utf-8")
        assert "neither trained nor evaluated" in card
        if not data:
            assert "No images were given" in report
    for name, probabilities in truth.items():
        shown = _named_in(report, name)
        ((first, *rest),) = decode(probabilities[np.newaxis], top=5)
        for (text, percent), (class_id, label, score) in zip(shown, [first, *rest], strict=True):
            assert text == f"{label} {class_id}"
            assert percent == pytest.approx(100 * score, abs=0.06)
    # The check has seen the photos; the model is the one that serves already.
    assert "ServingCheck" not in summary["cached"]
    assert len(served(tmp_path / "serving" / "imagenet-mobilenetv2")) == 1
    assert summary["counts"] == {"unlabelled": 5, "rejected": 0, "duplicates": 0}
    assert "PretrainedModel" in summary["cached"]
    again = _run(*command, "--weights", weights, "--data", str(photos))
    assert again.returncode == 0 and "nothing new" in again.stdout
    output = tmp_path / "out.csv"
    done = _run(
        "pipelines/predict.py",
        *("--model", summary["pushed_model"], "--data", str(photos), "--output", str(output)),
        *("--columns", "id,label,score,class_id"),
    )
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(output.read_text()))}
    assert set(rows) == set(truth)
    for name, row in rows.items():
        assert float(row["score"]) == pytest.approx(float(truth[name].max()), abs=1e-5)


@pytest.mark.slow
def test_published_weights_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    done = _run("pipelines/run_local.py", "--root", str(tmp_path), "--task", "imagenet:vgg16")
    assert done.returncode == 2
    assert "vgg16_weights_tf_dim_ordering_tf_kernels.h5" in " ".join(done.stdout.split())
    assert json.loads((tmp_path / "imagenet-vgg16" / "summary.json").read_text())["error"]
