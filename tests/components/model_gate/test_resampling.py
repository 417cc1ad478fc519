"""Bootstrap and exchange test: against scikit-learn with weights, and exact enumeration."""

from itertools import product

import numpy as np
import pytest
from sklearn import metrics as sk

from components.model_gate import resampling
from trainer_modules.engine.problems.class_outcomes import ClassOutcomes
from trainer_modules.engine.problems.outcomes import Outcomes
from trainer_modules.engine.problems.value_outcomes import ValueOutcomes


def numbers(size: int, seed: int, noise: float = 1.0) -> ValueOutcomes:
    random = np.random.default_rng(7)
    truth = random.normal(50, 10, size)
    return ValueOutcomes(
        truth=truth, value=truth + np.random.default_rng(seed).normal(0, noise, size)
    )


def classes(size: int, seed: int, right: float) -> ClassOutcomes:
    truth = np.random.default_rng(7).integers(0, 3, size)
    random = np.random.default_rng(seed)
    predicted = np.where(random.random(size) < right, truth, random.integers(0, 3, size))
    rest = dict.fromkeys(("confidence", "of_truth", "second"), np.full(size, 0.5, np.float32))
    return ClassOutcomes(
        classes=("a", "b", "c"),
        truth=truth,
        predicted=predicted,
        rank=np.zeros(size, int),
        **rest,
    )


def of(metric: str) -> resampling.Values:
    return lambda model, weights: model.overall(metric, weights)


def test_resamples_are_pairs_and_values_are_scikit_learns() -> None:
    now, before = classes(60, 1, 0.8), classes(60, 2, 0.7)
    rows: list[np.ndarray] = []

    def watched(model: Outcomes, weights: np.ndarray) -> np.ndarray:
        rows.append(weights)
        return model.overall("macro_f1", weights)

    new, old = resampling.bootstrapped(watched, [now, before], 40)
    # Both models saw the same examples.
    assert np.array_equal(rows[0], rows[1]) and (rows[0].sum(axis=1) == 60).all()
    for model, values in ((now, new), (before, old)):
        expected = [
            sk.f1_score(model.truth, model.predicted, average="macro", sample_weight=w)
            for w in rows[0]
        ]
        assert values == pytest.approx(expected)


def test_the_spread_of_a_mean_is_its_standard_error_and_memory_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = numbers(200, 1)
    (values,) = resampling.bootstrapped(of("mae"), [model], 4_000)
    error = np.abs(model.value - model.truth)
    assert values.std() == pytest.approx(error.std() / np.sqrt(200), rel=0.05)
    monkeypatch.setattr(resampling, "_NUMBERS", 200 * 7)
    (again,) = resampling.bootstrapped(of("mae"), [model], 4_000)
    # Drawn in other parts, the resamples are others, the distribution is not; twice is the same.
    assert again.std() == pytest.approx(values.std(), rel=0.05)
    assert np.array_equal(resampling.bootstrapped(of("mae"), [model], 4_000)[0], again)


def test_few_exchanges_are_all_enumerated() -> None:
    now, before = numbers(9, 3, noise=3.0), numbers(9, 4)
    worse = resampling.exchanged_p_value(
        lambda model, weights: -model.overall("mae", weights), now, before, 1_999
    )
    new, old = (np.abs(m.value - m.truth) for m in (now, before))
    changes = np.array([np.dot(signs, old - new) for signs in product((1, -1), repeat=9)])
    assert worse == pytest.approx((changes <= (old - new).sum() + 1e-9).mean())


def test_an_undefined_exchange_is_no_evidence() -> None:
    now, before = classes(12, 1, 0.2), classes(12, 1, 0.2)
    truth = np.where(np.arange(12) == 0, 1, 0)
    pair = [
        ClassOutcomes(**{**vars(model), "truth": truth, "classes": ("a", "b")})
        for model in (now, before)
    ]
    assert resampling.exchanged_p_value(of("auc"), *pair, 1_999) == 1.0


def test_more_tests_need_more_resamples() -> None:
    assert resampling.resamples(0.05, 1) == 1_999
    for tests in (101, 1_000):
        assert 2 / (resampling.resamples(0.05, tests) + 1) < 0.05 / tests
