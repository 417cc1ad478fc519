"""Segmentation samples: image, truth, prediction and overlay of a few evaluated examples."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from components.report import pictures
from components.report.galleries import VOID, palette
from components.report.raw_examples import bytes_feature, fetch
from trainer_modules.engine.images import heat
from trainer_modules.engine.problems.mask_tally import nearest, read_ids
from trainer_modules.engine.problems.segmentation import CLASS_MAPS
from trainer_modules.engine.saved_model.read import SavedModel
from trainer_modules.engine.signatures import IMAGE_INPUT

WORST, DRAWN = 3, 3
_SIZE = 320


def shown_ids(details: dict[str, Any]) -> list[str]:
    """Returns the ids of the worst examples and of some drawn by their hash."""
    chosen = [*details.get("most_wrong", [])[:WORST], *details.get("sample", [])[:DRAWN]]
    return list(dict.fromkeys(example["id"] for example in chosen))


def pictured(
    task: dict[str, Any], files: Iterable[str], ids: list[str], model: str
) -> list[dict[str, str]]:
    """Returns `id` and `data:` URIs of `image`, `truth`, `predicted` and `overlay`.

    Args:
      task: The task as `overrides.to_plain` writes it.
      files: Shards of raw Examples.
      ids: Which examples.
      model: Folder of the SavedModel, whose own signature predicts.
    """
    samples = fetch(
        files, ids, lambda one: (bytes_feature(one, "image"), bytes_feature(one, "mask"))
    )
    if not samples:
        return []
    loaded = SavedModel(model)
    shown = []
    for name in (name for name in ids if name in samples):
        encoded, mask = samples[name]
        served = loaded.call({IMAGE_INPUT: [encoded]})["mask_png"]
        shown.append({"id": name, **panels(task, encoded, mask, served[0])})
    return shown


def mapped(
    task: dict[str, Any], images: dict[str, bytes], loaded: SavedModel
) -> list[dict[str, Any]]:
    """Returns the panels of images without truth, and `maps`: class → heat map.

    Args:
      task: The task as `overrides.to_plain` writes it; `display.heat_maps` are the classes.
      images: Encoded images by id.
      loaded: The SavedModel.
    """
    chosen = task.get("display", {}).get("heat_maps", [])
    indices = [task["problem"]["classes"].index(name) for name in chosen]
    shown = []
    for name, encoded in images.items():
        served = loaded.call({IMAGE_INPUT: [encoded]})["mask_png"]
        maps: dict[str, str] = {}
        if chosen:
            drawn = loaded.call({IMAGE_INPUT: [encoded], "classes": indices}, CLASS_MAPS)
            for label, png in zip(chosen, drawn["maps_png"][0], strict=True):
                maps[label] = pictures.data_uri(Image.fromarray(heat.coloured(png)), _SIZE)
        shown.append({"id": name, **panels(task, encoded, b"", served[0]), "maps": maps})
    return shown


def panels(task: dict[str, Any], encoded: bytes, mask: bytes, predicted: bytes) -> dict[str, str]:
    """Returns the four pictures of one example as `data:` URIs; void pixels are black.

    Args:
      task: Gives colours and the form of the masks.
      encoded: The image as found.
      mask: The true mask as found; b"" if it is unknown; then there is no `truth`.
      predicted: The predicted mask, an id PNG; its size is that of all four.
    """
    problem = task["problem"]
    colours = palette(task)
    by_colour = problem.get("rgb_masks") and problem.get("colours")
    guess = read_ids(predicted)
    image = pictures.open_image(encoded).resize(guess.shape[::-1], Image.Resampling.BILINEAR)
    pixels = np.asarray(image.convert("RGB"))
    painted = pictures.coloured(guess, colours, VOID)
    known = {}
    if mask:
        ids = read_ids(mask, tuple(map(tuple, by_colour)) if by_colour else ())
        truth = nearest(ids, guess.shape)
        known["truth"] = _flat(pictures.coloured(np.where(truth < 0, 255, truth), colours, VOID))
    return {
        "image": pictures.data_uri(Image.fromarray(pixels), _SIZE),
        **known,
        "predicted": _flat(painted),
        "overlay": pictures.data_uri(Image.fromarray(pictures.overlay(pixels, painted)), _SIZE),
    }


def _flat(painted: np.ndarray) -> str:
    picture = Image.fromarray(painted)
    scale = min(1.0, _SIZE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # Interpolation would mix the colours of classes.
    small = picture.resize(size, Image.Resampling.NEAREST).quantize(256, dither=Image.Dither.NONE)
    return pictures.data_uri(small, lossless=True)
