"""Outcomes of label sets: average precision and the rest under weights, as scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems.label_set_outcomes import LabelSetOutcomes


@pytest.fixture
def outcomes() -> LabelSetOutcomes:
    random = np.random.default_rng(0)
    p = np.round(random.random((50, 3)), 1).astype(np.float32)  # with ties
    truth = random.random((50, 3)) < 0.2 + 0.5 * p
    return LabelSetOutcomes(classes=("a", "b", "c"), truth=truth, chosen=p >= 0.5, probabilities=p)


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 4, (6, 50)).astype(float)


def test_average_precision(outcomes: LabelSetOutcomes, weights: np.ndarray) -> None:
    found = outcomes.of_classes("average_precision", weights)
    for i in range(3):
        truth, scores = outcomes.truth[:, i], outcomes.probabilities[:, i]
        expected = [sk.average_precision_score(truth, scores, sample_weight=w) for w in weights]
        assert found[i] == pytest.approx(expected)
    mean = outcomes.overall("mean_average_precision", weights)
    assert mean == pytest.approx(found.mean(axis=0))
    micro = [
        sk.average_precision_score(
            outcomes.truth, outcomes.probabilities, average="micro", sample_weight=w
        )
        for w in weights
    ]
    assert outcomes.overall("micro_average_precision", weights) == pytest.approx(micro)
    assert outcomes.width == 3


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_f1(outcomes: LabelSetOutcomes, weights: np.ndarray, average: str) -> None:
    expected = [
        sk.f1_score(outcomes.truth, outcomes.chosen, average=average, sample_weight=w)
        for w in weights
    ]
    assert outcomes.overall(f"{average}_f1", weights) == pytest.approx(expected)


def test_means_of_examples(outcomes: LabelSetOutcomes, weights: np.ndarray) -> None:
    truth, chosen, p = outcomes.truth, outcomes.chosen, outcomes.probabilities
    for name, score, given in (
        ("exact_match", sk.accuracy_score, chosen),
        ("hamming_loss", sk.hamming_loss, chosen),
        ("label_ranking_average_precision", sk.label_ranking_average_precision_score, p),
    ):
        expected = [score(truth, given, sample_weight=w) for w in weights]
        assert outcomes.overall(name, weights) == pytest.approx(expected), name


def test_fractions_of_a_class(outcomes: LabelSetOutcomes) -> None:
    for name, score in (("recall", sk.recall_score), ("precision", sk.precision_score)):
        right, among = outcomes.fraction(name, "b") or (np.zeros(0), np.zeros(0))
        expected = score(outcomes.truth[:, 1], outcomes.chosen[:, 1])
        assert right[among].mean() == pytest.approx(expected)
    assert outcomes.fraction("f1", "b") is None and outcomes.fraction("micro_f1") is None


def test_a_label_that_nothing_has(outcomes: LabelSetOutcomes) -> None:
    none = outcomes.taken(~outcomes.truth[:, 0])
    assert none.of_classes("average_precision", np.ones((1, len(none))))[0, 0] == 0
