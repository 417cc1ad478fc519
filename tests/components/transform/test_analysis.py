"""Which features depend on all examples: what may not be taken from another night."""

from collections.abc import Callable

import pytest
import tensorflow as tf

from components.transform.analysis import analysed_features
from tests.components.transform import preprocessing

_SPEC = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "x": tf.io.FixedLenFeature([], tf.float32),
    "word": tf.io.FixedLenFeature([], tf.string),
}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (preprocessing.alone, set()),
        (preprocessing.constants, {"mean"}),
        (preprocessing.both, {"mean", "y"}),
        (preprocessing.scaled, {"x"}),
        (preprocessing.vocabulary, None),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_features_that_follow_from_the_whole_split_are_named(
    tfx_ready: None, function: Callable, expected: set[str] | None
) -> None:
    assert analysed_features(function, _SPEC) == expected
