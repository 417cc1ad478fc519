"""What a network that was not trained answers, for images of the given data."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.report import exported
from components.report.material import Material
from trainer_modules.engine.problems import Classification, Segmentation
from trainer_modules.engine.problems.imagenet import ImageNet
from trainer_modules.engine.saved_model.read import SavedModel
from trainer_modules.engine.task import overrides

NAMES = tuple(f"grey {32 * i}" for i in range(8))
IDS = tuple(f"n{i:08d}" for i in range(8))


def _png(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), grey, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _probabilities(grey: int) -> np.ndarray:
    """What `classifier` says of an image of one grey, by NumPy."""
    powers = np.exp(-np.abs(grey - 32.0 * np.arange(8)) / 32)
    return powers / powers.sum()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    import tensorflow as tf

    class ByGrey(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, image_bytes: Any) -> dict[str, Any]:
            pixels = tf.map_fn(tf.io.decode_png, image_bytes, fn_output_signature=tf.uint8)
            grey = tf.reduce_mean(tf.cast(pixels, tf.float32), axis=[1, 2, 3])
            distance = tf.abs(grey[:, tf.newaxis] - 32.0 * tf.range(8.0)) / 32
            return {"probabilities": tf.nn.softmax(-distance)}

    folder = str(tmp_path_factory.mktemp("classifier"))
    model = ByGrey()
    tf.saved_model.save(model, folder, {"serving_default": model.serve})
    return folder


def _shard(path: Path, images: dict[str, bytes]) -> str:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, image in images.items():
            example = tf.train.Example()
            example.features.feature["id"].bytes_list.value.append(name.encode())
            example.features.feature["image"].bytes_list.value.append(image)
            writer.write(example.SerializeToString())
    return str(path)


def test_each_image_has_its_five_most_probable_names(classifier: str) -> None:
    greys = {"dark": 3, "middle": 100, "light": 250}
    shown = exported.answers(
        {name: _png(grey) for name, grey in greys.items()},
        SavedModel(classifier),
        list(zip(NAMES, IDS, strict=True)),
    )
    assert [one["id"] for one in shown] == list(greys)
    for one in shown:
        expected = _probabilities(greys[one["id"]])
        order = np.argsort(-expected)[:5]
        assert [(n["name"], n["id"]) for n in one["names"]] == [(NAMES[i], IDS[i]) for i in order]
        np.testing.assert_allclose(
            [n["probability"] for n in one["names"]], expected[order], atol=1e-6
        )
        assert one["picture"].startswith("data:image/")
    assert len({one["picture"] for one in shown}) == 3


def test_the_names_are_those_of_the_task(tmp_path: Path, classifier: str) -> None:
    problem = Classification(classes=NAMES)
    found = Material(task={"phases": [], "problem": overrides.to_plain(problem)})
    images = {f"{i}.png": _png(25 * i) for i in range(7)}
    exported.seen(found, [_shard(tmp_path / "shard", images)], classifier)
    assert found.drawn_from == 7 and not found.masks
    assert {one["id"] for one in found.answers} == set(images)
    for one in found.answers:
        first = int(_probabilities(25 * int(one["id"][0])).argmax())
        assert (one["names"][0]["name"], one["names"][0]["id"]) == (NAMES[first], "")
    assert exported.answered(found) == {"examples": found.answers, "drawn_from": 7, "top": 5}


def test_published_classes_have_their_ids(tmp_path: Path, classifier: str) -> None:
    found = Material(task={"phases": [], "problem": overrides.to_plain(ImageNet())})
    exported.seen(found, [_shard(tmp_path / "shard", {"1.png": _png(0)})], classifier)
    (shown,) = found.answers
    assert [(one["id"], one["name"]) for one in shown["names"][:2]] == [
        ("n01440764", "tench"),
        ("n01443537", "goldfish"),
    ]


def test_of_a_segmentation_a_few_masks_are_shown(tmp_path: Path) -> None:
    import tensorflow as tf

    class AlwaysRoad(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, image_bytes: Any) -> dict[str, Any]:
            road = tf.io.encode_png(tf.ones((8, 8, 1), tf.uint8))
            return {"mask_png": tf.repeat(road[tf.newaxis], tf.shape(image_bytes)[0])}

    model = AlwaysRoad()
    tf.saved_model.save(model, str(tmp_path / "model"), {"serving_default": model.serve})
    problem = Segmentation(classes=("sky", "road"))
    found = Material(task={"phases": [], "problem": overrides.to_plain(problem)})
    images = {f"{i}.png": _png(20 * i) for i in range(9)}
    exported.seen(found, [_shard(tmp_path / "shard", images)], str(tmp_path / "model"))
    assert (len(found.masks), found.drawn_from) == (exported.MASKED, 9)
    assert {one["id"] for one in found.masks} < set(images)
    assert all("truth" not in one and one["maps"] == {} for one in found.masks)
    assert exported.answered(found) is None, "the masks have a section of their own"


def test_a_trained_model_has_its_evaluation_instead() -> None:
    assert exported.answered(Material(task={"phases": [{}]})) is None


def test_the_verdict_is_whether_it_serves() -> None:
    serving = {"passed": False, "reason": "no answer"}
    assert exported.verdict(Material(serving=serving)) == {"serving": serving, "problem": ""}
    unread = Material(problems={"serving": "FileNotFoundError: check.json"})
    assert exported.verdict(unread)["problem"] == "FileNotFoundError: check.json"
