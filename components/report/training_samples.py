"""The grid of training images, with and without augmentation, for people to look at."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from components.report import pictures
from components.report.galleries import palette
from components.report.raw_examples import LOOKED_AT, bytes_feature, features
from trainer_modules.engine.problems.kept_examples import Kept, random_rank
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Augment, Task

SHOWN = 24


def sheet(task: Task, files: Iterable[str]) -> pictures.Sheet | None:
    """Returns transformed training images; None where there are no images.

    Args:
      task: Says what the labels are and how images are augmented.
      files: Shards of the transformed training split.
    """
    if not task.input.pictured:
        return None
    kept = Kept(SHOWN)
    for number, record in enumerate(features(files)):
        if number == LOOKED_AT:
            break
        name = bytes_feature(record, "id").decode("utf-8", "backslashreplace")
        kept.offer([((random_rank(name), name), {**_example(task, record), "id": name})])
    examples = kept.examples()
    if not examples:
        return None
    images = np.stack([pixels(example["image"]) for example in examples])
    masks = None
    if task.problem.moves_with_image:
        masks = np.stack([pixels(example["mask"])[..., 0] for example in examples])
    rows = [("as the model sees them", images)]
    if task.train.augment == Augment():
        rows = [("as the model sees them; this task does not augment them", images)]
    else:
        images, masks = augmented(images, masks, task)
        rows.append(("with augmentation", images))
    if masks is not None:
        rows.append(("with their masks", _overlays(task, images, masks)))
    return pictures.Sheet(
        blocks=tuple((title, tuple(row)) for title, row in rows),
        labels=tuple(example["label"] for example in examples),
        ids=tuple(example["id"] for example in examples),
    )


def _example(task: Task, example: Any) -> dict[str, Any]:
    return {
        "image": bytes_feature(example, "image"),
        "mask": bytes_feature(example, "mask"),
        "label": task.problem.stored_label_text(example),
    }


def pixels(encoded: bytes) -> np.ndarray:
    """Returns a stored image as uint8 `[height, width, channels]`."""
    with Image.open(io.BytesIO(encoded)) as opened:
        array = np.asarray(opened)
    return array[..., np.newaxis] if array.ndim == 2 else array


def augmented(
    images: np.ndarray, masks: np.ndarray | None, task: Task
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns images as training changes them, and their masks, moved alike.

    Args:
      images: uint8 `[batch, height, width, channels]`.
      masks: Class ids uint8 `[batch, height, width]`, or None.
      task: Says what is changed.
    """
    from trainer_modules.engine.training.augmentation import RandomChanges

    changed, moved = RandomChanges(task.train.augment).jointly(images, masks)
    return changed.numpy(), moved if moved is None else moved.numpy()


def _overlays(task: Task, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    colours = palette(overrides.to_plain(task))
    three = np.broadcast_to(images, (*images.shape[:3], 3))
    return np.stack(
        [
            pictures.overlay(image, pictures.coloured(mask, colours))
            for image, mask in zip(three, masks, strict=True)
        ]
    )
