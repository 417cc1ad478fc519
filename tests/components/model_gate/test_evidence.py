"""Evidence: which test is asked for which metric, and how little a few examples show."""

import numpy as np
import pytest
from scipy.stats import binomtest

from components.model_gate import evidence, fractions
from trainer_modules.engine.problems.class_outcomes import ClassOutcomes
from trainer_modules.engine.problems.value_outcomes import ValueOutcomes
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse

ALPHA = 0.05


def outcomes(truth: np.ndarray, predicted: np.ndarray) -> ClassOutcomes:
    share = np.full(len(truth), 0.7, np.float32)
    return ClassOutcomes(
        classes=("a", "b"),
        truth=truth,
        predicted=predicted,
        confidence=share,
        of_truth=np.where(truth == predicted, share, 1 - share),
        rank=(truth != predicted).astype(int),
        second=np.where(predicted == 1, share, 1 - share),
    )


@pytest.fixture
def pair() -> tuple[ClassOutcomes, ClassOutcomes]:
    """80 examples: the old model has 4 wrong, the new one 16 others."""
    truth = np.arange(80) % 2
    now, before = truth.copy(), truth.copy()
    before[:4] = 1 - before[:4]
    now[40:56] = 1 - now[40:56]
    return outcomes(truth, now), outcomes(truth, before)


def test_a_fraction_of_the_same_examples_is_tested_exactly(
    pair: tuple[ClassOutcomes, ClassOutcomes],
) -> None:
    gate = NoWorse("accuracy", confidence=0.95)
    (found,) = evidence.of_changes(gate, *pair, [None], ALPHA)
    assert found.n == 80
    assert found.p_value == binomtest(16, 20, 0.5, "greater").pvalue
    assert found.interval(ALPHA) == fractions.paired_interval(4, 16, 80, ALPHA)
    (turned,) = evidence.of_changes(
        NoWorse("accuracy", confidence=0.95, lower_is_better=True), *pair, [None], ALPHA
    )
    assert turned.p_value == binomtest(4, 20, 0.5, "greater").pvalue
    assert turned.interval(ALPHA) == pytest.approx(found.interval(ALPHA))


def test_classes_and_the_overall_metric_keep_their_places(
    pair: tuple[ClassOutcomes, ClassOutcomes],
) -> None:
    recall = evidence.of_changes(NoWorse("recall", each_class=True), *pair, ["b", "a"], ALPHA)
    assert [one.n for one in recall] == [40, 40]
    f1 = evidence.of_changes(NoWorse("f1", each_class=True), *pair, ["b", "a"], ALPHA)
    assert [one.n for one in f1] == [80, 80] and all(one.p_value < ALPHA for one in f1)
    for one in f1:
        low, high = one.interval(ALPHA) or (0, 0)
        assert low < -0.1 and high < 0


def test_the_bootstrap_alone_refuses_nothing() -> None:
    """Three examples that all got worse: no resample disagrees, but 1 in 8 exchanges does."""
    truth = np.zeros(3)
    now, before = (ValueOutcomes(truth=truth, value=np.full(3, error)) for error in (2.0, 1.0))
    gate = NoWorse("mae", lower_is_better=True, confidence=0.95)
    (found,) = evidence.of_changes(gate, now, before, [None], ALPHA)
    assert found.interval(ALPHA) == (1.0, 1.0)
    assert found.p_value == pytest.approx(1 / 8)
    one = ValueOutcomes(truth=truth[:1], value=truth[:1])
    (nothing,) = evidence.of_changes(gate, one, one, [None], ALPHA)
    assert (nothing.p_value, nothing.interval(ALPHA), nothing.detectable(ALPHA)) == (1, None, None)


def test_a_detectable_loss_is_found_with_that_probability() -> None:
    """Pairs of numbers whose mean difference is the detectable one, drawn many times."""
    random, gate = np.random.default_rng(0), NoWorse("mae", 0.1, lower_is_better=True)
    size = 150
    zero = np.zeros(size)

    def drawn(loss: float) -> tuple[ValueOutcomes, ValueOutcomes]:
        error = random.uniform(5, 9, size)
        worse = error + random.normal(loss, 1.0, size)
        return ValueOutcomes(truth=zero, value=worse), ValueOutcomes(truth=zero, value=error)

    (once,) = evidence.of_changes(gate, *drawn(0.0), [None], ALPHA)
    loss = once.detectable(ALPHA)
    assert loss == pytest.approx(0.1 + 2.486 / np.sqrt(size), rel=0.2)
    found = [
        evidence.of_changes(gate, *drawn(loss), [None], ALPHA)[0].p_value <= ALPHA
        for _ in range(60)
    ]
    assert 0.62 <= np.mean(found) <= 0.95


def test_bounds_on_fractions_are_binomial_and_others_are_resampled(
    pair: tuple[ClassOutcomes, ClassOutcomes],
) -> None:
    now, _ = pair
    exact = evidence.of_bound(AtLeast("accuracy", 0.7), now, None, ALPHA)
    assert exact.p_value == binomtest(64, 80, 0.7, "greater").pvalue
    precision = evidence.of_bound(AtLeast("precision", 0.7), now, "a", ALPHA)
    assert precision.n == 40
    drawn = evidence.of_bound(AtLeast("macro_f1", 0.7), now, None, ALPHA)
    assert drawn.n == 80 and drawn.p_value < ALPHA
    low, high = drawn.interval(ALPHA) or (0, 0)
    assert 0.7 < low < 0.8 < high < 0.9
    error = evidence.of_bound(AtMost("expected_calibration_error", 0.2), now, None, ALPHA)
    assert error.p_value < ALPHA
    tight = evidence.of_bound(AtMost("expected_calibration_error", 0.11), now, None, ALPHA)
    assert tight.p_value > ALPHA


def test_what_was_never_seen_is_not_ruled_out() -> None:
    truth = np.arange(24) % 2
    perfect = outcomes(truth, truth)
    found = evidence.of_bound(AtLeast("macro_f1", 0.9), perfect, None, ALPHA)
    assert found.p_value == pytest.approx(0.9**24)
    assert found.interval(ALPHA) == (pytest.approx(ALPHA ** (1 / 24)), 1.0)
    few = evidence.of_bound(AtLeast("macro_f1", 0.1), perfect.taken(slice(19)), None, ALPHA)
    assert few.p_value == 1 and few.interval(ALPHA) is None
    assert evidence.of_bound(AtLeast("recall", 0.1), perfect.taken([0]), "b", ALPHA).n == 0
