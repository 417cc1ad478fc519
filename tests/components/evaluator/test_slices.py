"""Buckets by size and brightness, at their borders."""

import numpy as np
import pytest

from components.evaluator import slices
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize(
    ("height", "width", "bucket"),
    [
        (1, 1, b"0-63"),
        (63, 10, b"0-63"),
        (10, 64, b"64-127"),
        (127, 127, b"64-127"),
        (128, 1, b"128-255"),
        (511, 512, b"512-1023"),
        (1023, 1, b"512-1023"),
        (1024, 1, b"1024-"),
        (9000, 9000, b"1024-"),
    ],
)
def test_the_longer_side_decides(height: int, width: int, bucket: bytes) -> None:
    sizes = np.array([[height]]), np.array([[width]])
    assert slices.size_bucket(*sizes).tolist() == [[bucket]]


def test_every_size_has_the_bucket_that_its_name_says() -> None:
    longer = np.arange(1, 2000)
    for size, name in zip(longer, slices.size_bucket(longer, np.ones_like(longer)), strict=True):
        low, _, high = name.decode().partition("-")
        assert int(low) <= size <= int(high or 10**9)


def test_quarters_of_the_brightness() -> None:
    values = np.array([0.0, 0.2499, 0.25, 0.5, 0.75, 0.999, 1.0])
    assert slices.brightness_bucket(values).tolist() == [
        *[b"0.00-0.25"] * 2,
        *(b"0.25-0.50", b"0.50-0.75"),
        *[b"0.75-1.00"] * 3,
    ]


def test_buckets_are_added_where_their_features_are() -> None:
    import tensorflow_model_analysis as tfma

    features = {"height": np.array([[70]]), "width": np.array([[9]]), "label": np.array([[b"a"]])}
    given = {tfma.FEATURES_KEY: features, "other": 1}
    found = slices._add_buckets(given)
    assert found["other"] == 1
    assert found[tfma.FEATURES_KEY]["size_bucket"].tolist() == [[b"64-127"]]
    assert "brightness_bucket" not in found[tfma.FEATURES_KEY]
    # What came in is somebody else's.
    assert set(features) == {"height", "width", "label"}


def test_a_feature_that_no_example_has_is_named_with_the_nearest() -> None:
    slices.check_slices(["format"], ["format=PNG", "format=JPEG"])
    with pytest.raises(BadInputError, match="slices by 'formt'.*did you mean 'format'"):
        slices.check_slices(["format", "formt"], ["format=PNG"])
