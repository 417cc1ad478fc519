"""Uncertainty of fractions of examples: one fraction, and two on the same examples.

One fraction: the exact interval and test of the binomial distribution (Clopper and Pearson, "The
use of confidence or fiducial limits illustrated in the case of the binomial", 1934).

Two fractions on the same n examples differ only by those that one of the models has right and the
other wrong: the difference is (gained - lost) / n. Whether a loss exceeds a tolerance is decided by
two tests, of which the larger probability counts:

- McNemar's exact test, that there is a loss at all: under equal models, `lost` is binomial with
  `gained + lost` trials and odds of 1/2 (McNemar, "Note on the sampling error of the difference
  between correlated proportions or percentages", 1947). It holds for any number of examples.
- Tango's score test, that the loss exceeds the tolerance (Tango, "Equivalence test and confidence
  interval for the difference in proportions for the paired-sample design", Statistics in Medicine
  17, 1998, equations 5 to 8):

      z(D) = (gained - lost - n D) / sqrt(n (2 q + D (1 - D)))
      q = (sqrt(B² - 4 A C) - B) / (2 A)
      A = 2 n,  B = (2 n - gained + lost) D - gained - lost,  C = -lost D (1 - D)

  where q is the maximum likelihood estimate of the probability of a lost example if the true
  difference is D. The interval holds each D with |z(D)| below the normal quantile. Where z
  is so low that it matters, it is not taken as normal: the probabilities of all results with a
  score as low are summed, at the rate of lost examples at which they are the highest (Hsueh, Liu
  and Chen, "Unconditional Exact Tests for Equivalence or Noninferiority for Paired Binary
  Endpoints", Biometrics 57, 2001), among the rates that are not ruled out by the examples (Berger
  and Boos, "P Values Maximized Over a Confidence Set for the Nuisance Parameter", 1994).
"""

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom, binomtest, norm

# Probability with which a loss as large as `detectable` says is found.
POWER = 0.8
_EDGE = 1 - 1e-9
# A loss with a larger probability than this is no evidence, exactly or not.
_CLEAR = 0.2
# Probability that the true rate of lost examples is none of those that are tried, and their number.
_RULED_OUT, _RATES = 1e-6, 40


def one_interval(right: int, of: int, alpha: float) -> tuple[float, float]:
    """Returns both ends of a fraction, each with an error of at most `alpha`; `of` > 0."""
    interval = binomtest(right, of).proportion_ci(confidence_level=1 - 2 * alpha, method="exact")
    return float(interval.low), float(interval.high)


def one_p_value(right: int, of: int, bound: float, *, lower: bool = False) -> float:
    """Returns the probability of so high a fraction (`lower`: so low) if the truth is `bound`."""
    if bound >= 1 if lower else bound <= 0:
        return 0.0
    alternative = "less" if lower else "greater"
    return float(binomtest(right, of, min(max(bound, 0.0), 1.0), alternative).pvalue)


def one_detectable(of: int, bound: float, alpha: float, *, lower: bool = False) -> float | None:
    """Returns the true fraction from which a model keeps the bound with a probability of `POWER`.

    The fewest right examples that show the bound are found first; then the fraction at which so
    many or more have that probability, by the binomial distribution. None if no result shows it.
    """
    if lower:
        mirrored = one_detectable(of, 1 - bound, alpha)
        return None if mirrored is None else 1 - mirrored
    if bound <= 0:
        return 0.0
    # One more than the largest count that is still likely at the bound.
    fewest = int(binom.isf(alpha, of, min(bound, 1.0))) + 1
    return float(beta.ppf(POWER, fewest, of - fewest + 1)) if fewest <= of else None


def score(gained: Any, lost: Any, of: int, difference: float) -> Any:
    """Returns Tango's z, see the module; it falls as `difference` grows. Counts may be arrays."""
    gained, lost, d = np.asarray(gained, float), np.asarray(lost, float), difference
    a, b = 2 * of, (2 * of - gained + lost) * d - gained - lost
    q = (np.sqrt(np.maximum(0.0, b * b + 4 * a * lost * d * (1 - d))) - b) / (2 * a)
    deviation = np.sqrt(np.maximum(0.0, of * (2 * q + d * (1 - d))))
    distance = gained - lost - of * d
    # Equal models that never disagree are no evidence; nothing else has no deviation.
    return np.divide(distance, np.where(deviation > 0, deviation, np.inf))


def paired_p_value(gained: int, lost: int, of: int, tolerance: float) -> float:
    """Returns the probability of such a loss if the true one is `tolerance` or less.

    It is the larger one of both tests: a loss beyond a tolerance is a loss, which few examples
    show only to the exact test.
    """
    if not lost:
        return 1.0
    exact = float(binomtest(lost, gained + lost, 0.5, "greater").pvalue)
    if not tolerance:
        return exact
    z = float(score(gained, lost, of, -tolerance))
    beyond = float(norm.cdf(z))
    return max(exact, beyond if beyond > _CLEAR else _enumerated(z, lost, of, tolerance))


def _enumerated(z: float, lost: int, of: int, tolerance: float) -> float:
    """Returns the probability of a score as low as z if the true loss is `tolerance`.

    It is the highest one over the rates of lost examples that are not ruled out by `lost` itself.
    """
    possible = binomtest(lost, of).proportion_ci(1 - _RULED_OUT, method="exact")
    low, high = np.clip([possible.low, possible.high], tolerance, (1 + tolerance) / 2)
    rates = np.linspace(low, high, _RATES)[:, None]
    counts = np.arange(binom.ppf(1e-12, of, low), binom.isf(1e-12, of, high) + 1)
    # For each number of lost examples, the most gained ones with a score as low; -1 for none.
    most, beyond = np.full(counts.shape, -1.0), of - counts + 1
    while (most + 1 < beyond).any():
        middle = np.floor((most + beyond) / 2)
        as_low = score(middle, counts, of, -tolerance) <= z + 1e-9
        inside = most + 1 < beyond
        most = np.where(inside & as_low, middle, most)
        beyond = np.where(inside & ~as_low, middle, beyond)
    gains = np.clip((rates - tolerance) / (1 - rates), 0.0, 1.0)
    chances = binom.pmf(counts, of, rates) * binom.cdf(most, of - counts, gains)
    return min(1.0, float(chances.sum(axis=1).max()) + _RULED_OUT)


def paired_interval(gained: int, lost: int, of: int, alpha: float) -> tuple[float, float]:
    """Returns both ends of the difference, each with an error of `alpha`."""
    z = float(norm.isf(alpha))

    def end(quantile: float) -> float:
        below, above = (float(score(gained, lost, of, edge)) - quantile for edge in (-_EDGE, _EDGE))
        if below <= 0 or above >= 0:
            return -1.0 if below <= 0 else 1.0
        found: float = brentq(
            lambda d: float(score(gained, lost, of, d)) - quantile, -_EDGE, _EDGE, xtol=1e-10
        )
        return found

    return end(z), end(-z)


def paired_detectable(discordant: int, of: int, tolerance: float, alpha: float) -> float | None:
    """Returns the smallest true loss that is found with a probability of `POWER`.

    The loss L solves sqrt(n) (L - t) = z(alpha) sqrt(p - t²) + z(1 - power) sqrt(p - L²) with the
    tolerance t and the fraction p of examples that one model has right and the other wrong, never
    below L (Connor, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43, 1987, with the null hypothesis moved from 0 to t). It is never below
    the fewest losses that McNemar's test accepts as evidence. None if no loss could be found.
    """
    z_alpha, z_power = float(norm.isf(alpha)), float(norm.isf(1 - POWER))
    fewest = math.ceil(-math.log2(alpha) - 1e-9) / of
    observed = discordant / of

    def excess(loss: float) -> float:
        p = max(observed, loss)
        spread = z_alpha * math.sqrt(max(0.0, p - tolerance**2))
        spread += z_power * math.sqrt(max(0.0, p - loss**2))
        return math.sqrt(of) * (loss - tolerance) - spread

    if fewest > 1 or excess(1.0) <= 0:
        return None
    return max(fewest, float(brentq(excess, tolerance, 1.0)))
