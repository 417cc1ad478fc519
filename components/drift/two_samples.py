"""Tests of two samples: how large a difference is, and how likely chance makes one as large.

Every test is exact or conservative at any size of the samples, so that together they keep the rate
of false alarms: an approximation for large samples would raise more of them in small spans.
SciPy is imported by who tests: a run that finds everything in the cache needs none of it.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_BATCHES = (250, 750, 3000, 5999)
"""Random draws of a test, in the order in which they are drawn: 9,999 if it comes to the end."""

_ENOUGH = 20
"""So many draws as extreme as the data decide a test before its end."""


@dataclass(frozen=True)
class Difference:
    """The difference of two samples.

    Attributes:
      value: Its size; 0 for equal samples.
      p_value: Probability of one at least as large if both samples come from one population.
    """

    value: float
    p_value: float


def of_counts(new: Sequence[int], old: Sequence[int]) -> Difference:
    """Compares two distributions over categories.

    Pearson's chi-square, with the distribution of tables that have the same totals in place of the
    asymptotic one, so that rare categories need no pooling (Agresti, Categorical Data Analysis,
    2013, sections 3.2 and 3.5).

    Args:
      new: Examples per category.
      old: The same of the other sample, in the same order.

    Returns:
      The total variation distance, in [0, 1]: the fraction of examples that would have to be of
      another category.
    """
    from scipy import stats

    table = np.array([new, old], np.int64)
    table = table[:, table.sum(axis=0) > 0]
    sizes = table.sum(axis=1)
    if not sizes.all():
        raise ValueError(f"both samples must have examples. Received: {sizes.tolist()}")
    value = float(np.abs(table[0] / sizes[0] - table[1] / sizes[1]).sum() / 2)
    if table.shape[1] == 1:
        return Difference(value, 1.0)
    pooled = table.sum(axis=0)
    expected = pooled * (sizes[0] / sizes.sum())
    draws = stats.multivariate_hypergeom(m=pooled, n=int(sizes[0]))
    rng = np.random.default_rng(0)

    # With given totals the second row follows from the first, and so does its part of chi-square.
    def chi_square(first: np.ndarray) -> np.ndarray:
        return np.asarray(((first - expected) ** 2 / expected).sum(axis=-1))

    def drawn(count: int) -> np.ndarray:
        return chi_square(draws.rvs(size=count, random_state=rng))

    return Difference(value, _p_value(float(chi_square(table[0])), drawn))


def of_numbers(new: np.ndarray, old: np.ndarray) -> Difference:
    """Compares two distributions of a number with the Kolmogorov-Smirnov test.

    Ties, as in sizes of images, make the test conservative (Conover, Practical Nonparametric
    Statistics, 1999, section 6.1).

    Returns:
      The largest distance of the two empirical distribution functions, in [0, 1].
    """
    from scipy import stats

    with warnings.catch_warnings():
        # Where the exact distribution overflows, SciPy takes the asymptotic one and says so.
        warnings.filterwarnings("ignore", "ks_2samp", RuntimeWarning)
        tested = stats.ks_2samp(new, old)
    return Difference(float(tested.statistic), float(tested.pvalue))


def of_fractions(new: tuple[int, int], old: tuple[int, int]) -> Difference:
    """Compares two fractions with Fisher's exact test.

    Args:
      new: (hits, examples).
      old: (hits, examples).

    Returns:
      The new fraction minus the old one, in [-1, 1].
    """
    from scipy import stats

    table = [[hits, total - hits] for hits, total in (new, old)]
    value = new[0] / max(new[1], 1) - old[0] / max(old[1], 1)
    return Difference(value, float(stats.fisher_exact(table).pvalue))


def of_absence(there: Sequence[int], size: int, absent_size: int) -> Difference:
    """Asks how likely chance leaves out of one sample a category that the other one has.

    Args:
      there: Examples of the categories that the one sample has and the other lacks.
      size: Examples of the sample that has them.
      absent_size: Examples of the sample that lacks them.

    Returns:
      The share of the most frequent of them, and the exact probability for it alone, from the
      hypergeometric distribution; who looks at several categories has to correct for their number.
    """
    from scipy import stats

    most = max(there)
    p_value = stats.hypergeom.pmf(0, size + absent_size, most, absent_size)
    return Difference(most / size, float(p_value))


def of_features(new: np.ndarray, old: np.ndarray) -> Difference:
    """Compares two distributions of vectors with a permutation test of their energy distance.

    The energy distance is the maximum mean discrepancy for the kernel -|x - y|: it needs no
    bandwidth and sees every kind of difference (Székely and Rizzo, Energy statistics, Journal of
    Statistical Planning and Inference 143, 2013; Sejdinovic et al., Annals of Statistics 41, 2013).
    Permuting the samples makes the p-value exact.

    Args:
      new: float `[examples, features]`, at least 2 examples.
      old: float `[examples, features]`, at least 2 examples.

    Returns:
      The energy distance relative to twice the mean distance between the samples, without bias:
      about 0 for equal distributions (it may be below), 1 for two different points.
    """
    from scipy.spatial import distance

    vectors = scaled(np.concatenate([new, old]))
    distances = distance.squareform(distance.pdist(vectors)).astype(np.float32)
    first = np.zeros(len(vectors), np.float32)
    first[: len(new)] = 1
    n, m = len(new), len(old)
    total = float(distances.sum(dtype=np.float64))

    def parts(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean distance between and the sum of the means within, for each group."""
        reached = groups @ distances
        within = np.einsum("bn,bn->b", reached, groups, dtype=np.float64)
        between = reached.sum(axis=1, dtype=np.float64) - within
        rest = total - within - 2 * between
        return between / (n * m), within / (n * (n - 1)) + rest / (m * (m - 1))

    def energy(groups: np.ndarray) -> np.ndarray:
        between, within = parts(groups)
        return 2 * between - within

    rng = np.random.default_rng(0)

    def drawn(count: int) -> np.ndarray:
        return energy(rng.permuted(np.tile(first, (count, 1)), axis=1))

    (between,), (within,) = parts(first[None])
    observed = float(2 * between - within)
    value = observed / (2 * between) if between else 0.0
    return Difference(float(value), _p_value(observed, drawn))


def scaled(vectors: np.ndarray) -> np.ndarray:
    """Returns the vectors with every feature divided by its deviation; constant ones are left out.

    Otherwise a few features of a large scale would hide the others. Both samples are scaled
    together, so that a permutation of them changes nothing.

    Args:
      vectors: float `[examples, features]`.
    """
    wide = vectors.astype(np.float64)
    deviation = wide.std(axis=0)
    varying = deviation > 1e-9
    return np.asarray(wide[:, varying] / deviation[varying])


def _p_value(observed: float, drawn: Callable[[int], np.ndarray]) -> float:
    """Returns the p-value of a Monte Carlo test that ends early if chance explains the data.

    Its false-alarm rate is the nominal one at every number of draws (Besag and Clifford, Sequential
    Monte Carlo p-values, Biometrika 78, 1991; Phipson and Smyth, Statistical Applications in
    Genetics and Molecular Biology 9, 2010).

    Args:
      observed: The statistic of the data.
      drawn: Called with a number of draws; returns the statistic of each.
    """
    # What differs by rounding alone is equal.
    least = observed - 1e-6 * abs(observed)
    hits = done = 0
    for count in _BATCHES:
        extreme = hits + np.cumsum(drawn(count) >= least)
        if extreme[-1] >= _ENOUGH:
            return float(_ENOUGH / (done + np.searchsorted(extreme, _ENOUGH) + 1))
        hits, done = int(extreme[-1]), done + count
    return (hits + 1) / (done + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for their number, in the same order.

    The probability of any false alarm is at most the level to which they are compared, whatever
    the dependence of the tests (Holm, Scandinavian Journal of Statistics 6, 1979).
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    stepped = np.minimum(np.maximum.accumulate(np.asarray(p_values, float)[order] * factors), 1)
    adjusted = np.empty(len(order))
    adjusted[order] = stepped
    return [float(p) for p in adjusted]
