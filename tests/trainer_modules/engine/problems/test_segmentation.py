"""A class for each pixel: what is read, learnt and served."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Pillow

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.inputs.columns import Columns
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.problems.segmentation import CLASS_MAPS
from trainer_modules.engine.task.task import EncoderDecoder, Images, Network, Phase, Task
from trainer_modules.engine.training import training

STREET = Segmentation(classes=("road", "sky", "car"), void=11)


def test_a_mask_is_read_with_the_names_of_its_classes() -> None:
    ids = np.array([[0, 2, 11], [0, 0, 2]], np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(ids).save(buffer, "PNG")
    assert STREET.read_mask(buffer.getvalue(), size=(3, 2)) == (
        buffer.getvalue(),
        ("road", "car"),
    )


def test_masks_in_colours_need_a_colour_for_each_class() -> None:
    with pytest.raises(ValueError, match="one RGB for each of the 2 classes .*Received: 1"):
        Segmentation(classes=("a", "b"), colours=((0, 0, 0),), rgb_masks=True)
    # Without `rgb_masks` they are for people, and ids are stored.
    shown = Segmentation(classes=("a", "b"), colours=((0, 0, 0), (9, 9, 9)))
    assert shown.ids_of_masks.colours == ()


def test_rows_have_no_pixels() -> None:
    with pytest.raises(BadInputError, match=r"Images\(…\) for Segmentation"):
        STREET.label_bytes(Columns(names=("a",)))
    assert STREET.label_bytes(Images(height=5, width=7)) == 35


def test_the_signature_of_class_maps_draws_probabilities_as_grey() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4, 5)).astype(np.float32)
    maps = STREET.further_signatures(lambda images: tf.constant(p))[CLASS_MAPS]
    drawn = maps(image_bytes=tf.constant([b"", b""]), classes=tf.constant([2, 0]))["maps_png"]
    assert drawn.shape == (2, 2)
    for i in range(2):
        for k, of_class in enumerate((2, 0)):
            grey = np.asarray(Pillow.open(io.BytesIO(drawn.numpy()[i, k])))
            np.testing.assert_array_equal(grey, np.round(p[i, ..., of_class] * 255))


def test_a_stored_evaluation_of_an_earlier_job_is_understood() -> None:
    config = {"classes": ["a", "b"], "void": 2, "colours": [[1, 2, 3], [4, 5, 6]]}
    assert Segmentation.of_metric("MaskReport", config) == Segmentation(
        classes=("a", "b"), void=2, colours=((1, 2, 3), (4, 5, 6)), rgb_masks=True
    )
    assert Segmentation.of_metric("ClassReport", config) is None


def test_segmentation_trains(
    tiny: Callable[..., Task], shard_writer: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Bright pixels are class 1, dark ones class 0, and a stripe is void."""
    rng = np.random.default_rng(0)
    images = rng.choice([20, 230], (8, 36, 46, 1)).repeat(3, -1).astype(np.uint8)
    truth = (images[..., 0] > 100).astype(np.uint8)
    truth[:, :4] = 11
    files = shard_writer(tmp_path, "train", images, truth)
    problem = Segmentation(classes=("dark", "bright"), void=11)
    task = tiny(
        problem=problem,
        input=Images(height=36, width=46, store="png"),
        model=Network(),
        phases=(Phase(epochs=30, learning_rate=0.3),),
        train__batch_size=4,
    )
    given: dict[str, Any] = {"model_dir": "-", "log_dir": str(tmp_path / "logs")}
    trained = training.train(task, train_files=files, eval_files=files, **given)
    last = trained.history["epochs"][-1]
    assert last["val_pixel_accuracy"] == last["val_mean_iou"] == 1.0
    assert trained.model.predict(images, verbose=0).argmax(-1)[:, 4:].tolist() == (
        truth[:, 4:].tolist()
    )
    unet = tiny(
        problem=problem,
        input=Images(height=36, width=46, store="png"),
        model=EncoderDecoder(name="MobileNetV2", alpha=0.35, weights="none", filters=(8, 8, 8, 8)),
        phases=(Phase(epochs=1),),
        train__batch_size=4,
    )
    trained = training.train(unet, train_files=files, eval_files=files, **given)
    assert np.isfinite(trained.history["epochs"][-1]["val_loss"])
