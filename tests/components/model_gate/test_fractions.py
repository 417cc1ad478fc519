"""Fractions: against SciPy, an independent maximum likelihood, exact enumeration, simulation."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, chi2, multinomial, norm

from components.model_gate import fractions


def restricted(gained: int, lost: int, of: int, difference: float) -> float:
    """Returns z of a score test whose nuisance parameter is found by numeric maximisation."""

    def surprise(q: float) -> float:
        cells = (q + difference, q, 1 - 2 * q - difference)
        counts = (gained, lost, of - gained - lost)
        return -sum(k * math.log(max(p, 1e-300)) for k, p in zip(counts, cells, strict=True) if k)

    low, high = max(0.0, -difference), (1 - difference) / 2
    q = minimize_scalar(surprise, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    deviation = math.sqrt(of * (2 * q + difference * (1 - difference)))
    return (gained - lost - of * difference) / deviation


@pytest.mark.parametrize(
    ("gained", "lost", "of", "difference"),
    [(12, 30, 400, -0.01), (3, 9, 50, 0.05), (0, 7, 60, -0.02), (25, 1, 90, 0.3), (4, 4, 20, -0.2)],
)
def test_the_score_is_that_of_the_restricted_maximum_likelihood(
    gained: int, lost: int, of: int, difference: float
) -> None:
    expected = restricted(gained, lost, of, difference)
    assert fractions.score(gained, lost, of, difference) == pytest.approx(expected, abs=1e-4)


def test_without_a_difference_the_score_is_mcnemars() -> None:
    z = fractions.score(14, 31, 500, 0.0)
    assert z**2 == pytest.approx((14 - 31) ** 2 / (14 + 31))
    assert chi2.sf(z**2, 1) == pytest.approx(2 * norm.cdf(z))


def test_the_interval_holds_what_the_restricted_maximum_likelihood_accepts() -> None:
    low, high = fractions.paired_interval(12, 30, 400, 0.05)
    assert restricted(12, 30, 400, low) == pytest.approx(norm.isf(0.05), abs=1e-3)
    assert restricted(12, 30, 400, high) == pytest.approx(norm.ppf(0.05), abs=1e-3)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 5), (5, 0), (5, 5), (2, 3), (0, 1)])
def test_ends_of_an_interval_are_where_the_score_is_the_quantile(gained: int, lost: int) -> None:
    low, high = fractions.paired_interval(gained, lost, 5 if gained + lost < 6 else 10, 0.05)
    of = 5 if gained + lost < 6 else 10
    assert -1 <= low <= (gained - lost) / of <= high <= 1
    for end, z in ((low, norm.isf(0.05)), (high, norm.ppf(0.05))):
        if abs(end) < 1:
            assert fractions.score(gained, lost, of, end) == pytest.approx(z, abs=1e-5)


def test_a_loss_within_no_tolerance_is_mcnemars_exact_test() -> None:
    for gained, lost in ((3, 11), (0, 4), (8, 8), (0, 0)):
        expected = binom.sf(lost - 1, gained + lost, 0.5) if lost else 1.0
        assert fractions.paired_p_value(gained, lost, 300, 0.0) == pytest.approx(expected)


@pytest.mark.parametrize("tolerance", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("of", [7, 20, 60])
def test_whatever_the_truth_few_models_within_the_tolerance_are_refused(
    of: int, tolerance: float
) -> None:
    """The exact probability of a refusal, over all results and all rates of disagreement."""
    cells = [(g, k) for g in range(of + 1) for k in range(of + 1 - g)]
    refused = [c for c in cells if fractions.paired_p_value(*c, of, tolerance) <= 0.05]
    counts = np.array([(g, k, of - g - k) for g, k in refused])
    for lost in np.linspace(tolerance, (1 + tolerance) / 2, 23):
        gained = lost - tolerance
        rates = [gained, lost, max(0.0, 1 - gained - lost)]
        assert multinomial.pmf(counts, of, rates).sum() <= 0.0505, lost


@pytest.mark.parametrize(("of", "bound"), [(40, 0.9), (80, 0.5), (25, 0.99), (150, 0.95)])
def test_a_bound_is_shown_by_test_and_interval_alike(of: int, bound: float) -> None:
    shown = [k for k in range(of + 1) if fractions.one_p_value(k, of, bound) <= 0.05]
    by_interval = [k for k in range(of + 1) if fractions.one_interval(k, of, 0.05)[0] >= bound]
    assert shown == by_interval
    below = [k for k in range(of + 1) if fractions.one_p_value(k, of, bound, lower=True) <= 0.05]
    assert below == [k for k in range(of + 1) if fractions.one_interval(k, of, 0.05)[1] <= bound]
    detectable = fractions.one_detectable(of, bound, 0.05)
    if detectable is None:
        assert not shown
    else:
        assert binom.sf(shown[0] - 1, of, detectable) == pytest.approx(fractions.POWER)


def test_a_bound_at_the_end_of_the_range() -> None:
    assert fractions.one_p_value(0, 9, 0.0) == 0.0
    assert fractions.one_p_value(9, 9, 1.0) == 1.0
    assert fractions.one_detectable(9, 1.0, 0.05) is None
    assert fractions.one_detectable(100, 0.1, 0.05, lower=True) == pytest.approx(
        1 - (fractions.one_detectable(100, 0.9, 0.05) or 0)
    )


@pytest.mark.parametrize(
    ("of", "discordant", "tolerance"), [(1290, 60, 0.01), (1290, 60, 0.0), (400, 40, 0.02)]
)
def test_what_is_detectable_is_detected_with_that_probability(
    of: int, discordant: int, tolerance: float
) -> None:
    loss = fractions.paired_detectable(discordant, of, tolerance, 0.05)
    assert loss is not None
    p = max(discordant / of, loss)
    draws = np.random.default_rng(0).multinomial(of, [(p - loss) / 2, (p + loss) / 2, 1 - p], 400)
    found = [fractions.paired_p_value(g, k, of, tolerance) <= 0.05 for g, k, _ in draws.tolist()]
    assert np.mean(found) == pytest.approx(fractions.POWER, abs=0.08)


def test_with_too_few_examples_no_loss_can_be_found() -> None:
    assert fractions.paired_detectable(0, 4, 0.0, 0.05) is None
    five = fractions.paired_detectable(0, 40, 0.0, 0.05)
    assert five is not None and 5 / 40 <= five < 0.25
