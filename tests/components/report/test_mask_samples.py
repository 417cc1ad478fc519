"""Pictures of a segmentation: its masks in their colours, predicted by a SavedModel's signature."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.report import mask_samples
from tests.components.report.streets import BLUE, RED, TASK, png, shard
from trainer_modules.engine.task import overrides

GREEN = (0, 128, 0)


def _decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def _colour(uri: str) -> tuple[int, ...]:
    return tuple(int(v) for v in np.asarray(_decoded(uri).convert("RGB"))[8, 8])


def test_the_models_own_signature_predicts(tmp_path: Path) -> None:
    import tensorflow as tf

    class AlwaysRoad(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, image_bytes: Any) -> dict[str, Any]:
            road = tf.io.encode_png(tf.ones((16, 16, 1), tf.uint8))
            return {"mask_png": tf.repeat(road[tf.newaxis], tf.shape(image_bytes)[0])}

    model = AlwaysRoad()
    tf.saved_model.save(model, str(tmp_path / "model"), {"serving_default": model.serve})
    files = [shard(tmp_path / "test.tfrecord", 6)]
    details = {
        "most_wrong": [{"id": "2.png"}, {"id": "0.png"}],
        "sample": [{"id": "0.png"}, {"id": "4.png"}],
    }
    ids = mask_samples.shown_ids(details)
    found = mask_samples.pictured(overrides.to_plain(TASK), files, ids, str(tmp_path / "model"))
    assert [one["id"] for one in found] == ["2.png", "0.png", "4.png"]
    assert [_colour(one["truth"]) for one in found] == [(0, 0, 0), RED, BLUE]
    assert {_colour(one["predicted"]) for one in found} == {BLUE}
    assert {_colour(one["overlay"]) for one in found} == {(50, 50, 175)}


def test_masks_are_painted_in_the_class_colours() -> None:
    problem = {
        "type": "Segmentation",
        "classes": ["sky", "road", "car"],
        "void": 3,
        "colours": [RED, GREEN, BLUE],
    }
    truth = np.repeat(np.arange(4, dtype=np.uint8), 10)[None].repeat(40, 0)
    guess = np.zeros((20, 20), np.uint8)
    guess[:, 10:] = 2
    found = mask_samples.panels(
        {"problem": problem},
        png(np.full((40, 40, 3), 200, np.uint8)),
        png(truth),
        png(guess),
    )
    shown = {key: np.asarray(_decoded(uri).convert("RGB")) for key, uri in found.items()}
    assert all(picture.shape == (20, 20, 3) for picture in shown.values())
    assert [tuple(shown["truth"][0, x]) for x in (0, 6, 12, 18)] == [
        RED,
        GREEN,
        BLUE,
        (0, 0, 0),
    ]
    assert tuple(shown["predicted"][0, 0]) == RED and tuple(shown["predicted"][0, 19]) == BLUE
    np.testing.assert_allclose(shown["overlay"][10, 2], (225, 100, 100), atol=3)


def test_masks_given_in_colours_are_understood() -> None:
    problem = {
        "type": "Segmentation",
        "classes": ["sky", "road"],
        "colours": [RED, BLUE],
        "rgb_masks": True,
    }
    truth = np.full((8, 8, 3), BLUE, np.uint8)
    found = mask_samples.panels(
        {"problem": problem},
        png(np.zeros((8, 8, 3), np.uint8)),
        png(truth),
        png(np.zeros((8, 8), np.uint8)),
    )
    assert tuple(np.asarray(_decoded(found["truth"]).convert("RGB"))[0, 0]) == BLUE
    assert tuple(np.asarray(_decoded(found["predicted"]).convert("RGB"))[0, 0]) == RED
