"""Evidence that a model is better than one constant answer to everything."""

from typing import Any

import numpy as np

# The smallest probability that this many shuffles can show is 1 / (SHUFFLES + 1).
SHUFFLES = 999


def against_constant(
    *,
    metric: str,
    floor: float,
    constant: str,
    wins: int,
    of: int,
    odds: float,
    wins_are: str,
    unit: str,
    classes: int = 0,
    of_metric: bool = False,
) -> dict[str, Any]:
    """Returns the count in the form of `details["chance"]`.

    Args:
      metric: The metric that people compare.
      floor: The constant answer's value of it.
      constant: The constant answer in words, after "better than".
      wins: Examples that the model wins.
      of: Examples that can be won.
      odds: Probability that a model that has learnt nothing wins one, in [0, 1].
      wins_are: A description of wins, to follow their number.
      unit: A description of the examples.
      classes: Number of classes; 0 if there are none.
      of_metric: Whether the metric is the fraction of wins.
    """
    return dict(locals())


def against_shuffles(
    *,
    metric: str,
    floor: float,
    constant: str,
    truth: np.ndarray,
    predicted: np.ndarray,
    unit: str,
    classes: int = 0,
) -> dict[str, Any]:
    """Returns the outcome of a permutation test in the form of `details["chance"]`.

    A model that has learnt nothing answers independently of the truth, so that its answers,
    shuffled over the examples, are as good as they are in place. `p_value` is the probability that
    shuffled answers have a squared error as low as these. The test is exact whatever the
    distribution of the targets (Pitman, "Significance tests which may be applied to samples from
    any populations II: the correlation coefficient test", 1937), and draws `SHUFFLES` permutations
    where there are more.

    Args:
      metric: The metric that people compare.
      floor: The constant answer's value of it.
      constant: The constant answer in words, after "better than".
      truth: Targets, float64 `[examples]`; or `[examples, outputs]`, whose outputs, each brought to
        the same deviation, then count alike.
      predicted: Predictions, float64 of the same shape.
      unit: A description of the examples.
      classes: Number of classes; 0 if there are none.
    """
    return {
        "metric": metric,
        "floor": floor,
        "constant": constant,
        "p_value": _as_good_by_chance(truth, predicted),
        "of": len(truth),
        "unit": unit,
        "classes": classes,
    }


def _as_good_by_chance(truth: np.ndarray, predicted: np.ndarray) -> float:
    from scipy.stats import permutation_test

    if len(truth) < 2:
        return 1.0
    truth, predicted = (np.atleast_2d(values.T).T for values in (truth, predicted))
    varies = (np.ptp(truth, axis=0) > 0) & (np.ptp(predicted, axis=0) > 0)
    if not varies.any():
        return 1.0
    target, answer = (_standardised(values[:, varies]) for values in (truth, predicted))
    if target.shape[1] == 1:
        given, of_pairs = answer[:, 0], lambda shuffled: shuffled * target[:, 0]
    else:
        # Whole examples are shuffled: the products of each pair are summed over the outputs.
        products, places = target @ answer.T, np.arange(len(truth))
        given, of_pairs = places, lambda order: products[places, order.astype(int)]
    tested = permutation_test(
        (given,),
        # Of the squared error, only the product changes with the order.
        lambda shuffled, axis: np.mean(of_pairs(shuffled), axis=axis),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=SHUFFLES,
        batch=64,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(tested.pvalue)


def _standardised(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean(axis=0)) / values.std(axis=0))
