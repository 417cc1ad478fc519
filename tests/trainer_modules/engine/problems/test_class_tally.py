"""The classification tally against scikit-learn, in one piece and in many."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems import class_tally
from trainer_modules.engine.problems.class_tally import (
    CALIBRATION_BINS,
    KEPT_OF_PAIR,
    KEPT_OF_PAIRS,
    ClassTally,
)


def names_of(count: int) -> tuple[str, ...]:
    return tuple(f"class {i}" for i in range(count))


def tally(p: np.ndarray, truth: np.ndarray, pieces: int = 1) -> ClassTally:
    """Adds in `pieces` separate tallies that are merged, as Beam does."""
    classes = names_of(p.shape[1])
    whole = ClassTally(classes)
    for part in np.array_split(np.arange(len(p)), pieces):
        one = ClassTally(classes)
        if len(part):
            one.add(
                [classes[truth[i]] for i in part],
                [{"probabilities": p[i]} for i in part],
                [f"{i}.png" for i in part],
            )
        whole.merge(one)
    return whole


def random_predictions(classes: int, count: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes * 1000 + count)
    truth = rng.integers(0, classes, size=count)
    if kind == "ties":
        p = rng.integers(1, 3, size=(count, classes)).astype(np.float32)
    else:
        p = rng.random((count, classes)).astype(np.float32) ** 4
        p[np.arange(count), truth] += 0.3
    if kind == "missing classes":
        truth = truth % max(1, classes // 2)
    if kind == "one class":
        truth[:] = classes - 1
    if kind == "certain":
        p = np.eye(classes, dtype=np.float32)[p.argmax(axis=1)]
    return p / p.sum(axis=1, keepdims=True), truth


KINDS = ("plain", "ties", "missing classes", "one class", "certain")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("classes", "count"), [(2, 50), (5, 200), (10, 300), (101, 2000)])
def test_equals_scikit_learn(classes: int, count: int, kind: str) -> None:
    p, truth = random_predictions(classes, count, kind)
    labels = list(range(classes))
    found = tally(p, truth, pieces=3)
    report = sk.classification_report(
        truth,
        p.argmax(axis=1),
        labels=labels,
        target_names=names_of(classes),
        output_dict=True,
        zero_division=0,
    )
    for name, row in found.per_class().items():
        expected = report[name]
        assert row["support"] == expected["support"]
        for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert row[ours] == pytest.approx(expected[theirs], abs=1e-6)
    values = found.metrics()
    assert values["accuracy"] == pytest.approx(sk.accuracy_score(truth, p.argmax(1)), abs=1e-6)
    for average in ("macro", "weighted"):
        expected = report[f"{average} avg"]
        assert values[f"{average}_precision"] == pytest.approx(expected["precision"], abs=1e-6)
        assert values[f"{average}_recall"] == pytest.approx(expected["recall"], abs=1e-6)
        assert values[f"{average}_f1"] == pytest.approx(expected["f1-score"], abs=1e-6)
    assert values["log_loss"] == pytest.approx(sk.log_loss(truth, p, labels=labels), abs=1e-6)
    assert ("top_5_accuracy" in values) == (classes > 5)
    if classes > 5:
        top = sk.top_k_accuracy_score(truth, p, k=5, labels=labels)
        assert values["top_5_accuracy"] == pytest.approx(top, abs=1e-6)
    assert ("auc" in values) == (classes == 2)
    if classes == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one_class = len(set(truth)) == 1
            area = np.nan if one_class else sk.roc_auc_score(truth == 1, p[:, 1])
        assert values["auc"] == pytest.approx(area, abs=1e-6, nan_ok=True)


def test_confusion_is_whole_and_by_truth() -> None:
    p, truth = random_predictions(7, 300, "plain")
    matrix = np.zeros((7, 7), int)
    for t, predicted, count in tally(p, truth).details()["confusion"]:
        matrix[t, predicted] = count
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(truth, p.argmax(1)))


def test_calibration_error_by_hand() -> None:
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.4, 0.6]], np.float32)
    found = tally(p, np.array([0, 1, 0, 1]))
    # (0.95, 2 examples, one right) and (0.6, 2 examples, both right)
    expected = (abs(1 - 2 * 0.95) + abs(2 - 2 * 0.6)) / 4
    assert found.metrics()["expected_calibration_error"] == pytest.approx(expected, abs=1e-6)
    bins = [b for b in found.details()["calibration"] if b["count"]]
    assert [(b["count"], b["accuracy"]) for b in bins] == [(2, 1.0), (2, 0.5)]
    assert len(found.details()["calibration"]) == CALIBRATION_BINS


def test_pieces_and_their_order_do_not_matter() -> None:
    p, truth = random_predictions(6, 700, "plain")
    whole, pieces = tally(p, truth), tally(p, truth, pieces=13)
    assert whole.details() == pieces.details()
    for name, value in whole.metrics().items():
        assert pieces.metrics()[name] == pytest.approx(value, abs=1e-12)


def test_most_wrong_are_the_surest_mistakes() -> None:
    p, truth = random_predictions(6, 700, "plain")
    wrong = np.flatnonzero(p.argmax(1) != truth)
    surest = wrong[np.argsort(-p.max(1)[wrong], kind="stable")]
    found = tally(p, truth, pieces=4).details()["most_wrong"]
    assert len(found) == min(64, len(wrong))
    assert [e["probability"] for e in found[:9]] == pytest.approx(p.max(1)[surest[:9]].tolist())
    first = found[0]
    assert first["predicted"] == f"class {p[surest[0]].argmax()}"
    assert first["true"] == f"class {truth[surest[0]]}"


def test_samples_are_right_or_wrong() -> None:
    p, truth = random_predictions(6, 700, "plain")
    details = tally(p, truth).details()
    assert len(details["right"]) == 48
    assert all(e["true"] == e["predicted"] for e in details["right"])
    assert details["wrong"]
    assert all(e["true"] != e["predicted"] for e in details["wrong"])


def test_confused_pairs_come_most_frequent_first() -> None:
    p = np.eye(3, dtype=np.float32)[[1, 1, 1, 2, 0, 0]]
    pairs = tally(p, np.array([0, 0, 1, 1, 0, 0])).details()["confused_pairs"]
    assert pairs[0] == {"true": "class 0", "predicted": "class 1", "count": 2, "fraction": 0.5}
    assert pairs[1] == {"true": "class 1", "predicted": "class 2", "count": 1, "fraction": 0.5}
    assert len(pairs) == 2


def test_unknown_labels_are_reported_not_counted() -> None:
    found = ClassTally(("a", "b"))
    found.add(["a", "z"], [{"probabilities": np.array([0.9, 0.1], np.float32)}] * 2, ["1", "2"])
    assert found.details()["unknown_labels"] == {"z": "2"}
    assert found.metrics()["example_count"] == 1


def test_nothing_at_all() -> None:
    values = ClassTally(("a", "b")).metrics()
    assert np.isnan(values["log_loss"])
    assert values["accuracy"] == 0


def test_area_under_curve_stays_true_on_a_grid(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(class_tally, "_DISTINCT_SCORES", 1 << 10)
    rng = np.random.default_rng(0)
    second = rng.random(5000).astype(np.float32)
    truth = (rng.random(5000) < second).astype(int)
    found = tally(np.stack([1 - second, second], axis=1), truth, pieces=5)
    assert len(found.scores) <= (1 << 10) + 1
    expected = sk.roc_auc_score(truth, second)
    assert found.metrics()["auc"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("pieces", [1, 5])
def test_confused_pairs_keep_their_surest_mistakes(pieces: int) -> None:
    p, truth = random_predictions(4, 400, "plain")
    classes = names_of(4)
    predicted = p.argmax(axis=1)
    details = tally(p, truth, pieces).details()
    by_pair: dict[tuple[str, str], list[str]] = {}
    for one in details["of_pairs"]:
        by_pair.setdefault((one["true"], one["predicted"]), []).append(one["id"])
    for t, q in {(t, q) for t in range(4) for q in range(4)} - {(i, i) for i in range(4)}:
        members = np.flatnonzero((truth == t) & (predicted == q))
        surest = sorted(members, key=lambda i: (-float(p[i].max()), f"{i}.png"))[:KEPT_OF_PAIR]
        assert by_pair.get((classes[t], classes[q]), []) == [f"{i}.png" for i in surest]
    counts = {(c["true"], c["predicted"]): c["count"] for c in details["confused_pairs"]}
    ordered = [counts[pair] for pair in by_pair]
    assert ordered == sorted(ordered, reverse=True)


def test_pairs_keep_no_more_than_the_report_can_show() -> None:
    p, truth = random_predictions(30, 4000, "plain")
    assert len(tally(p, truth).details()["of_pairs"]) == KEPT_OF_PAIRS
