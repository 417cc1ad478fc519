"""Tests of two samples, against SciPy's own and against enumeration."""

import numpy as np
import pytest
from scipy import spatial, stats

from components.drift import two_samples


@pytest.mark.parametrize(
    ("new", "old"), [((3, 9), (11, 4)), ((30, 50, 20), (80, 60, 60)), ((5, 0, 2), (40, 3, 60))]
)
def test_counts_agree_with_scipys_permuted_chi_square(new, old) -> None:
    ours = two_samples.of_counts(new, old)
    method = stats.PermutationMethod(n_resamples=5_000, rng=np.random.default_rng(1))
    table = np.array([new, old])
    theirs = stats.chi2_contingency(table, correction=False, method=method).pvalue
    # An early end leaves 20 hits: a relative error of 1/√20.
    assert ours.p_value == pytest.approx(theirs, rel=0.7, abs=2e-3)
    shares = table / table.sum(axis=1, keepdims=True)
    assert ours.value == pytest.approx(abs(shares[0] - shares[1]).sum() / 2)


def test_counts_of_one_category_never_differ() -> None:
    assert two_samples.of_counts([7, 0], [900, 0]) == two_samples.Difference(0.0, 1.0)


def test_counts_need_both_samples() -> None:
    with pytest.raises(ValueError, match=r"both samples must have examples. Received: \[0, 3\]"):
        two_samples.of_counts([0, 0], [1, 2])


def test_numbers_and_fractions() -> None:
    low, high = np.arange(50.0), np.arange(50.0) + 25
    apart = two_samples.of_numbers(high, low)
    assert apart.value == pytest.approx(0.5) and apart.p_value < 1e-4
    assert two_samples.of_numbers(low, low).p_value == 1
    fractions = two_samples.of_fractions((8, 20), (1, 100))
    assert fractions.value == pytest.approx(0.39)
    assert fractions.p_value == pytest.approx(stats.fisher_exact([[8, 12], [1, 99]]).pvalue)


def test_absence_is_the_chance_to_draw_none() -> None:
    """Six of sixty examples of a class, and none among ten others."""
    absent = two_samples.of_absence([6, 2], 60, 10)
    assert absent.value == pytest.approx(0.1)
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(70)[:10].max() < 64 for _ in range(20_000)]
    assert absent.p_value == pytest.approx(np.mean(drawn), abs=0.015)


def test_the_energy_distance_is_the_textbooks() -> None:
    rng = np.random.default_rng(0)
    new, old = rng.normal(size=(40, 3)), rng.normal(0.8, 1, size=(60, 3))
    both = two_samples.scaled(np.concatenate([new, old]))
    a, b = both[:40], both[40:]
    between = spatial.distance.cdist(a, b).mean()
    within = sum(spatial.distance.pdist(one).mean() for one in (a, b))
    ours = two_samples.of_features(new, old)
    assert ours.value == pytest.approx((2 * between - within) / (2 * between), rel=1e-4)
    assert ours.p_value == pytest.approx(1e-4)


def test_features_of_equal_distributions_keep_the_level() -> None:
    rng = np.random.default_rng(0)
    p_values = [
        two_samples.of_features(rng.gamma(1, size=(12, 4)), rng.gamma(1, size=(30, 4))).p_value
        for _ in range(300)
    ]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= level) <= level + 3 * np.sqrt(level / 300)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.06)


def test_features_see_a_spread_that_no_mean_shows() -> None:
    rng = np.random.default_rng(0)
    wide = two_samples.of_features(rng.normal(0, 2, (80, 5)), rng.normal(0, 1, (80, 5)))
    assert wide.p_value < 1e-3 and wide.value > 0.005


def test_constant_features_are_left_out() -> None:
    same = np.ones((20, 3))
    assert two_samples.of_features(same, same) == two_samples.Difference(0.0, 1.0)
    assert two_samples.scaled(np.c_[np.arange(4.0), np.ones(4)]).shape == (4, 1)


def test_holm_is_that_of_the_book() -> None:
    """Holm's step-down on four values: 0.005·4, 0.01·3, 0.03·2, and no less than that."""
    adjusted = two_samples.holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert two_samples.holm([]) == [] and two_samples.holm([0.9, 0.9]) == [1, 1]
