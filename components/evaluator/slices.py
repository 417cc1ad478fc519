"""Buckets of numeric features, so that an evaluation can be sliced by size and by brightness."""

import copy
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import extractor

from trainer_modules.engine.errors import BadInputError, did_you_mean

SIZE = "size_bucket"
BRIGHTNESS = "brightness_bucket"
_SIZES = (0, 64, 128, 256, 512, 1024)
_QUARTERS = (b"0.00-0.25", b"0.25-0.50", b"0.50-0.75", b"0.75-1.00")
# Raw features that every image example has.
_OF_IMAGES = ("format", "height", "width", "channels", SIZE, BRIGHTNESS)


def size_bucket(height: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Returns the bucket of the longer side in pixels, `0-63` … `1024-`, as bytes objects."""
    ends = [str(end - 1) for end in _SIZES[1:]] + [""]
    names = [f"{start}-{end}".encode() for start, end in zip(_SIZES, ends, strict=True)]
    at = np.digitize(np.maximum(height, width), _SIZES[1:])
    return np.array(names, object)[at]


def brightness_bucket(brightness: np.ndarray) -> np.ndarray:
    """Returns the quarter of the mean brightness, which lies within 0..1, as bytes objects."""
    at = np.clip(np.floor(brightness * 4), 0, 3).astype(int)
    return np.array(_QUARTERS, object)[at]


def bucket_extractor() -> Any:
    """Returns a TFMA extractor that adds both buckets to examples with the required features."""
    return extractor.Extractor(stage_name="AddBuckets", ptransform=beam.Map(_add_buckets))


def _add_buckets(extracts: dict[str, Any]) -> dict[str, Any]:
    features = copy.copy(extracts[tfma.FEATURES_KEY])
    if "height" in features and "width" in features:
        features[SIZE] = size_bucket(features["height"], features["width"])
    if "brightness" in features:
        features[BRIGHTNESS] = brightness_bucket(features["brightness"])
    return {**extracts, tfma.FEATURES_KEY: features}


def check_slices(wanted: Iterable[str], slices: Iterable[str]) -> None:
    """Checks that every feature to slice by produced slices.

    Args:
      wanted: Features that the task slices by.
      slices: Names of the resulting slices, `feature=value`.

    Raises:
      BadInputError: If a feature produced none, because no example has it.
    """
    features = {name.split("=", 1)[0] for name in slices}
    for feature in wanted:
        if feature not in features:
            raise BadInputError(
                f"The task slices by '{feature}', which no example has. A slice's feature "
                f"{did_you_mean(feature, _OF_IMAGES)}. It may also be a column that the source "
                "keeps (the source's `slices`)."
            )
