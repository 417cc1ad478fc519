"""Rows of the last layer by name, against NumPy and against what the networks answer."""

import numpy as np
import pytest

from trainer_modules.engine.problems import (
    Binary,
    Classification,
    ImageNet,
    MultiLabel,
    Problem,
    Regression,
    Segmentation,
)
from trainer_modules.engine.problems.continuation import Continuation, by_name

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(7, 5)).astype(np.float32)


def layer(outputs: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    kernel = RNG.normal(size=(*shape, 5, outputs)).astype(np.float32)
    return kernel, RNG.normal(size=outputs).astype(np.float32)


def continued(how: Continuation | None, old: tuple, fresh: tuple) -> tuple[np.ndarray, np.ndarray]:
    assert how is not None
    return how.kernel(old[0], fresh[0]), how.bias(old[1], fresh[1])


@pytest.mark.parametrize("kind", [Classification, MultiLabel])
@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("abc", "abc"),
        ("abc", "abcd"),
        ("abc", "dbac"),
        ("abc", "ca"),
        ("abc", "xyz"),
        ("ab", "bxa"),
    ],
)
def test_a_class_keeps_its_row_wherever_it_stands(kind: type, before: str, now: str) -> None:
    old, fresh = layer(len(before)), layer(len(now))
    how = kind(classes=tuple(now)).continued(kind(classes=tuple(before)))
    kernel, bias = continued(how, old, fresh)
    logits, new_logits = FEATURES @ old[0] + old[1], FEATURES @ kernel + bias
    for row, name in enumerate(now):
        if name in before:
            np.testing.assert_array_equal(new_logits[:, row], logits[:, before.index(name)])
        else:
            assert np.array_equal(kernel[:, row], fresh[0][:, row]) and bias[row] == fresh[1][row]
    assert how.has_new == bool(set(now) - set(before))


def test_the_rows_of_a_segmentation_are_channels_of_a_convolution() -> None:
    old, fresh = layer(2, 1, 1), layer(3, 1, 1)
    now, before = Segmentation(classes=("sky", "road", "car")), Segmentation(classes=("car", "sky"))
    kernel, bias = continued(now.continued(before), old, fresh)
    np.testing.assert_array_equal(kernel[..., [0, 2]], old[0][..., [1, 0]])
    np.testing.assert_array_equal(kernel[..., 1], fresh[0][..., 1])
    np.testing.assert_array_equal(bias, [old[1][1], fresh[1][1], old[1][0]])


def test_two_classes_that_change_places_change_the_sign() -> None:
    old, fresh = layer(1), layer(1)
    before = Binary(classes=("cat", "dog"))
    kernel, bias = continued(Binary(classes=("dog", "cat")).continued(before), old, fresh)
    probability = 1 / (1 + np.exp(-(FEATURES @ old[0] + old[1])))
    swapped = 1 / (1 + np.exp(-(FEATURES @ kernel + bias)))
    np.testing.assert_allclose(swapped, 1 - probability, rtol=1e-5)
    same = continued(before.continued(before), old, fresh)
    np.testing.assert_array_equal(same[0], old[0])
    # One output tells two classes apart; with another of them it means nothing any more.
    other = Binary(classes=("cat", "fox")).continued(before)
    np.testing.assert_array_equal(continued(other, old, fresh)[0], fresh[0])


@pytest.mark.parametrize("standardised", [(0.0, 1.0), (2_000.0, 3.0)])
def test_a_number_keeps_its_value_in_another_scale(standardised: tuple[float, float]) -> None:
    mean, deviation = standardised
    before = Regression(target="year", target_mean=1_990.0, target_deviation=12.0)
    now = Regression(target="year", target_mean=mean, target_deviation=deviation)
    old = layer(1)
    kernel, bias = continued(now.continued(before), old, layer(1))
    values = 12.0 * (FEATURES.astype(float) @ old[0] + old[1]) + 1_990.0
    again = deviation * (FEATURES.astype(float) @ kernel + bias) + mean
    np.testing.assert_allclose(again, values, atol=1e-3)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (Regression(target="age"), Regression(target="year")),
        (Regression(target="age", unit="months"), Regression(target="age", unit="years")),
        (Regression(target="age"), Classification(classes=("a", "b"))),
        (Binary(classes=("a", "b")), Classification(classes=("a", "b"))),
        (MultiLabel(classes=("a", "b")), Classification(classes=("a", "b"))),
    ],
)
def test_what_means_something_else_does_not_go_on(now: Problem, before: Problem) -> None:
    assert now.continued(before) is None


def test_classes_of_one_name_are_told_by_their_ids() -> None:
    imagenet = ImageNet()
    assert len(set(imagenet.names)) < 1000
    how = imagenet.continued(imagenet)
    assert how is not None and how.rows == tuple(range(1000))


def test_another_layer_is_refused() -> None:
    how = by_name("abc", "ab")
    with pytest.raises(ValueError, match=r"must have the shape \(5, 3\)"):
        how.kernel(np.zeros((4, 2), np.float32), np.zeros((5, 3), np.float32))
    with pytest.raises(ValueError, match=r"must have the shape \(5, 2\)"):
        how.kernel(np.zeros((5, 2), np.float32), np.zeros((5, 2), np.float32))
