"""The grid of training images, with and without augmentation, for people to look at."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from components.report import pictures
from components.report.galleries import palette
from components.report.raw_examples import features, one_bytes
from trainer_modules.engine import overrides
from trainer_modules.engine.evaluation_examples import Kept, lottery
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task import Augment, Task

SHOWN = 24
# The grid is drawn from so many examples; a whole split need not be read for it.
_LOOKED_AT = 4_000


def grid(task: Task, files: Iterable[str]) -> bytes | None:
    """Returns a PNG of transformed training images; None where the task has no images.

    Args:
      task: Says what the labels are and how images are augmented.
      files: Shards of the transformed training split.
    """
    if task.image is None:
        return None
    kept = Kept(SHOWN)
    for number, one in enumerate(features(files)):
        if number == _LOOKED_AT:
            break
        name = one_bytes(one, "id").decode("utf-8", "backslashreplace")
        kept.offer([((lottery(name), name), _example(task, one))])
    examples = kept.examples()
    if not examples:
        return None
    images = [pixels(example["image"]) for example in examples]
    rows = [("as the model sees them", images)]
    if task.train.augment != Augment():
        rows.append(("with augmentation", list(augmented(np.stack(images), task))))
    else:
        rows[0] = ("as the model sees them; this task changes nothing at random", images)
    if isinstance(task.problem, Segmentation):
        rows.append(("with their masks", _overlays(task, examples, images)))
    return pictures.grid(rows, [example["label"] for example in examples])


def _example(task: Task, one: Any) -> dict[str, Any]:
    names = task.problem.names
    label = one["label"].int64_list.value if "label" in one else ()
    return {
        "image": one_bytes(one, "image"),
        "mask": one_bytes(one, "mask"),
        "label": names[label[0]] if label and names else "",
    }


def pixels(encoded: bytes) -> np.ndarray:
    """Returns a stored image as uint8 `[height, width, channels]`."""
    with Image.open(io.BytesIO(encoded)) as opened:
        found = np.asarray(opened)
    return found[..., np.newaxis] if found.ndim == 2 else found


def augmented(images: np.ndarray, task: Task) -> np.ndarray:
    """Returns images as training changes them, uint8 `[batch, height, width, channels]`."""
    from trainer_modules.engine.augmentation import RandomChanges

    changed: np.ndarray = RandomChanges(task.train.augment)(images, training=True).numpy()
    return changed


def _overlays(
    task: Task, examples: list[dict[str, Any]], images: list[np.ndarray]
) -> list[np.ndarray]:
    colours = palette(overrides.to_plain(task))
    return [
        pictures.overlay(
            np.broadcast_to(image, (*image.shape[:2], 3)),
            pictures.coloured(pixels(example["mask"])[..., 0], colours),
        )
        for example, image in zip(examples, images, strict=True)
    ]
