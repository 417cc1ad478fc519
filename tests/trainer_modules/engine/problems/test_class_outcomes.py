"""Outcomes of classes: columns, classes that are not judged, weights as scikit-learn has them."""

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems import class_outcomes
from trainer_modules.engine.problems.class_outcomes import ClassOutcomes

CLASSES = ("cat", "dog", "fox")


def stored(seed: int = 0, count: int = 60, classes: tuple[str, ...] = CLASSES) -> dict:
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(len(classes)), count).astype(np.float32)
    labels = [classes[i] for i in random.integers(0, len(classes), count)]
    return class_outcomes.columns(classes, labels, [{"probabilities": row} for row in p])


def test_columns_say_what_the_model_did() -> None:
    p = np.array([[0.2, 0.5, 0.3]], np.float32)
    columns = class_outcomes.columns(CLASSES, ["fox"], [{"probabilities": p}])
    assert {name: values[0] for name, values in columns.items()} == {
        "truth": "fox",
        "predicted": "dog",
        "confidence": np.float32(0.5),
        "of_truth": np.float32(0.3),
        "rank": 1,
    }
    unknown = class_outcomes.columns(CLASSES, ["wolf"], [{"probabilities": p}])
    assert unknown["truth"][0] == "wolf" and np.isnan(unknown["of_truth"][0])
    assert class_outcomes.columns(CLASSES, [], [])["truth"].shape == (0,)


def test_weights_are_scikit_learns() -> None:
    outcomes = ClassOutcomes.read(stored(), CLASSES)
    weights = np.random.default_rng(1).random((4, 60)) * np.arange(4)[:, None] + 1e-3
    for average in ("macro", "weighted"):
        for name, score in (("f1", sk.f1_score), ("precision", sk.precision_score)):
            expected = [
                score(outcomes.truth, outcomes.predicted, average=average, sample_weight=w)
                for w in weights
            ]
            assert outcomes.overall(f"{average}_{name}", weights) == pytest.approx(expected)
    assert outcomes.width == 1


def test_the_area_under_the_curve_counts_ties_half() -> None:
    columns = stored(3, classes=("no", "yes"))
    columns["second"] = np.round(columns["second"], 1)
    outcomes = ClassOutcomes.read(columns, ("no", "yes"))
    weights = np.random.default_rng(1).integers(0, 3, (5, 60)).astype(float)
    expected = [sk.roc_auc_score(outcomes.truth, outcomes.second, sample_weight=w) for w in weights]
    assert outcomes.overall("auc", weights) == pytest.approx(expected)
    of_one_class = outcomes.taken(outcomes.truth == 1)
    assert np.isnan(of_one_class.overall("auc", np.ones((1, len(of_one_class)))))


def test_other_classes_do_not_count_but_may_be_predicted() -> None:
    shared = ClassOutcomes.read(stored(), ("fox", "cat"))
    kept = shared.taken(shared.counted)
    assert set(kept.truth) == {0, 1} and -1 in kept.predicted
    right, among = kept.fraction("recall", "fox") or (np.zeros(0), np.zeros(0))
    names = np.array(["fox", "cat", "?"])
    expected = sk.recall_score(
        names[kept.truth], names[kept.predicted], labels=["fox"], average=None, zero_division=0
    )
    assert right[among].mean() == pytest.approx(expected[0])
