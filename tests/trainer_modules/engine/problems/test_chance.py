"""The permutation test against every permutation there is, and against SciPy's own statistics."""

import itertools

import numpy as np
import pytest
from scipy import stats

from trainer_modules.engine.problems import chance


def p_value(truth: np.ndarray, predicted: np.ndarray) -> float:
    found = chance.against_shuffles(
        metric="mse", floor=0.0, constant="c", truth=truth, predicted=predicted, unit="examples"
    )
    assert found["of"] == len(truth)
    return float(found["p_value"])


@pytest.mark.parametrize("seed", range(5))
def test_few_examples_are_shuffled_in_every_way(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, predicted = random.normal(size=(2, 6))
    # As low a squared error is as high a product, whatever the scale of the predictions.
    products = [truth @ predicted[list(order)] for order in itertools.permutations(range(6))]
    exact = np.mean(np.array(products) >= truth @ predicted - 1e-12)
    assert p_value(truth, predicted) == pytest.approx(exact)
    assert p_value(truth, 3 * predicted + 7) == pytest.approx(exact)


def test_many_examples_agree_with_the_test_of_a_correlation() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    predicted = 0.12 * truth + random.normal(size=200)
    expected = stats.pearsonr(truth, predicted, alternative="greater").pvalue
    assert p_value(truth, predicted) == pytest.approx(expected, abs=0.03)


def test_what_cannot_be_shuffled_is_no_evidence() -> None:
    one = np.array([1.0])
    assert p_value(one, one) == 1.0
    varied, constant = np.arange(5.0), np.full(5, 2.0)
    assert p_value(varied, constant) == p_value(constant, varied) == 1.0


def test_knowledge_shows_as_far_as_the_shuffles_can() -> None:
    truth = np.arange(100.0)
    assert p_value(truth, truth) == pytest.approx(1 / (chance.SHUFFLES + 1))
    assert p_value(truth, -truth) > 0.99


def test_several_outputs_are_shuffled_together() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, (6, 3)).astype(float)
    predicted = random.random((6, 3))
    scaled = [(values - values.mean(axis=0)) / values.std(axis=0) for values in (truth, predicted)]
    sums = [
        (scaled[0] * scaled[1][list(order)]).sum() for order in itertools.permutations(range(6))
    ]
    exact = np.mean(np.array(sums) >= (scaled[0] * scaled[1]).sum() - 1e-9)
    assert p_value(truth, predicted) == pytest.approx(exact)
