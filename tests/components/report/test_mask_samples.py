"""Pictures of a segmentation, predicted by a SavedModel's own signature."""

import base64
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.report import mask_samples, training_samples
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import ImagesAndMasks
from trainer_modules.engine.task.task import Augment, EncoderDecoder, Phase, Task
from trainer_modules.engine.task.task import Images as ImageForm

RED, BLUE = (250, 0, 0), (0, 0, 250)
TASK = Task(
    name="streets",
    source=ImagesAndMasks(),
    problem=Segmentation(classes=("sky", "road"), void=2, colours=(RED, BLUE)),
    input=ImageForm(height=16, width=16),
    model=EncoderDecoder(),
    phases=(Phase(epochs=1),),
)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _shard(path: Path, count: int) -> str:
    import tensorflow as tf

    def feature(value: bytes) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in range(count):
            found = {
                "id": feature(f"{i}.png".encode()),
                "image": feature(_png(np.full((16, 16, 3), 100, np.uint8))),
                "mask": feature(_png(np.full((16, 16), i % 3, np.uint8))),
            }
            example = tf.train.Example(features=tf.train.Features(feature=found))
            writer.write(example.SerializeToString())
    return str(path)


def _colour(uri: str) -> tuple[int, ...]:
    encoded = base64.b64decode(uri.partition(",")[2])
    return tuple(int(v) for v in np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))[8, 8])


def test_the_models_own_signature_predicts(tmp_path: Path) -> None:
    import tensorflow as tf

    class AlwaysRoad(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, image_bytes: Any) -> dict[str, Any]:
            road = tf.io.encode_png(tf.ones((16, 16, 1), tf.uint8))
            return {"mask_png": tf.repeat(road[tf.newaxis], tf.shape(image_bytes)[0])}

    model = AlwaysRoad()
    tf.saved_model.save(model, str(tmp_path / "model"), {"serving_default": model.serve})
    files = [_shard(tmp_path / "test.tfrecord", 6)]
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


def test_samples_show_the_masks_too(tmp_path: Path) -> None:
    sheet = training_samples.sheet(TASK, [_shard(tmp_path / "train.tfrecord", 9)])
    assert sheet is not None
    assert sorted(sheet.ids) == [f"{i}.png" for i in range(9)]
    pixels = np.asarray(Image.open(io.BytesIO(sheet.png())))
    # Image, and half image half colour: 112 × 112 pixels each.
    for colour, times in (((100, 100, 100), 9), ((175, 50, 50), 3), ((50, 50, 175), 3)):
        assert (pixels == colour).all(axis=-1).sum() == times * 112**2


def test_masks_of_changed_images_are_changed_alike(tmp_path: Path) -> None:
    halves = np.zeros((3, 16, 16, 3), np.uint8)
    halves[:, :, 8:] = 200
    ids = (halves[..., 0] > 0).astype(np.uint8)
    augment = Augment(flip=True, translation=0.2)
    task = dataclasses.replace(TASK, train=dataclasses.replace(TASK.train, augment=augment))
    images, masks = training_samples.augmented(halves, ids, task)
    assert masks is not None and not np.array_equal(images, halves)
    grey = images[..., 0]
    clear = (grey == 0) | (grey == 200)
    np.testing.assert_array_equal(masks[clear], grey[clear] > 0)


def test_rows_of_numbers_have_no_samples() -> None:
    from trainer_modules.boston_housing import TASK as housing

    assert training_samples.sheet(housing, ["/no/such/file"]) is None
