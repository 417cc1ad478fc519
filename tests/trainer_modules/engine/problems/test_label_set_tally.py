"""The multi-label tally against scikit-learn, in one piece and in many."""

import json
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems import label_sets
from trainer_modules.engine.problems.label_set_tally import LabelSetTally

KINDS = ("plain", "ties", "one label never", "one label always", "empty sets", "certain")


def names_of(count: int) -> tuple[str, ...]:
    return tuple(f"class {i}" for i in range(count))


def random_sets(classes: int, count: int, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns probabilities, truth and a decision that differs from class to class."""
    rng = np.random.default_rng(classes * 1000 + count)
    truth = rng.random((count, classes)) < rng.uniform(0.1, 0.7, classes)
    p = rng.random((count, classes)).astype(np.float32) * 0.7 + 0.3 * truth * rng.random()
    if kind == "ties":
        p = np.round(p * 4) / 4
    if kind == "one label never":
        truth[:, 0] = False
    if kind == "one label always":
        truth[:, -1] = True
    if kind == "empty sets":
        truth[rng.random(count) < 0.4] = False
    if kind == "certain":
        p = np.round(p)
    p = np.clip(p, 0, 1).astype(np.float32)
    return p, truth, p >= np.linspace(0.2, 0.8, classes).astype(np.float32)


def tally(
    p: np.ndarray,
    truth: np.ndarray,
    chosen: np.ndarray,
    *,
    pieces: int = 1,
    only: tuple[str, ...] = (),
) -> LabelSetTally:
    """Adds in `pieces` separate tallies that are merged, as Beam does."""
    classes = names_of(p.shape[1])
    whole = LabelSetTally(classes, only)
    for part in np.array_split(np.arange(len(p)), pieces):
        one = LabelSetTally(classes, only)
        one.add(
            [label_sets.joined(np.array(classes)[truth[i]], classes) for i in part],
            [{"probabilities": p[i], "scores": np.where(chosen[i], p[i], 0)} for i in part],
            [f"{i}.png" for i in part],
        )
        whole.merge(one)
    return whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("classes", "count"), [(2, 40), (7, 300), (40, 900)])
@pytest.mark.filterwarnings("ignore:No positive class found")
def test_equals_scikit_learn(classes: int, count: int, kind: str) -> None:
    p, truth, chosen = random_sets(classes, count, kind)
    # A score of 0 cannot be told from a class outside the set, and no threshold is 0.
    chosen &= p > 0
    found = tally(p, truth, chosen, pieces=3)
    theirs = sk.precision_recall_fscore_support(truth, chosen, average=None, zero_division=0)
    precisions = [sk.average_precision_score(truth[:, i], p[:, i]) for i in range(classes)]
    for i, row in enumerate(found.per_class().values()):
        ours = [row[name] for name in ("precision", "recall", "f1", "support")]
        assert ours == pytest.approx([part[i] for part in theirs], abs=1e-9)
        assert row["average_precision"] == pytest.approx(precisions[i], abs=1e-9)
    values = found.metrics()
    for average in ("macro", "micro"):
        expected = sk.precision_recall_fscore_support(
            truth, chosen, average=average, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), expected[:3], strict=True):
            assert values[f"{average}_{name}"] == pytest.approx(value, abs=1e-9)
    ranking = sk.label_ranking_average_precision_score(truth, p)
    assert values["label_ranking_average_precision"] == pytest.approx(ranking, abs=1e-9)
    for average, name in (
        ("macro", "mean_average_precision"),
        ("micro", "micro_average_precision"),
    ):
        expected = sk.average_precision_score(truth, p, average=average)
        assert values[name] == pytest.approx(expected, abs=1e-9)
    assert values["exact_match"] == pytest.approx(sk.accuracy_score(truth, chosen), abs=1e-9)
    assert values["hamming_loss"] == pytest.approx(sk.hamming_loss(truth, chosen), abs=1e-9)
    each = [sk.log_loss(truth[:, i], p[:, i], labels=[False, True]) for i in range(classes)]
    assert values["log_loss"] == pytest.approx(np.mean(each), abs=1e-6)
    assert values["example_count"] == count


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_make_no_difference(kind: str) -> None:
    p, truth, chosen = random_sets(6, 400, kind)
    whole, parts = tally(p, truth, chosen), tally(p, truth, chosen, pieces=7)
    ours, theirs = ({**t.metrics(), **t.details()} for t in (whole, parts))
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        if isinstance(value, float):
            assert value == pytest.approx(theirs[name], abs=1e-12)
        else:
            assert json.dumps(value) == json.dumps(theirs[name]), name


def test_curves_end_where_scikit_learn_ends() -> None:
    p, truth, chosen = random_sets(4, 3000, "plain")
    curves = tally(p, truth, chosen, pieces=4).details()["curves"]
    for i, points in enumerate(curves.values()):
        precision, recall, _ = sk.precision_recall_curve(truth[:, i], p[:, i])
        exact = set(zip(recall.round(9).tolist(), precision.round(9).tolist(), strict=True))
        assert 10 < len(points) <= 60
        assert all((round(r, 9), round(q, 9)) in exact for r, q in points)
        assert points[-1] == pytest.approx([1.0, truth[:, i].mean()])
        assert [r for r, _ in points] == sorted(r for r, _ in points)


def test_pairs_and_sizes_count_sets() -> None:
    truth = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], bool)
    chosen = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]], bool)
    found = tally(truth.astype(np.float32), truth, chosen & truth, pieces=2).details()
    assert found["pairs"][0] == {"classes": ["class 0", "class 1"], "true": 2, "predicted": 1}
    assert found["set_sizes"] == {"true": [1, 0, 3, 0], "predicted": [1, 1, 2, 0]}


def test_galleries_show_sets_and_what_the_model_said() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], bool)
    p = np.array([[0.9, 0.8, 0.1], [0.9, 0.7, 0.2], [0.1, 0.2, 0.95]], np.float32)
    found = tally(p, truth, p >= 0.5).details()
    worst = found["most_wrong"][0]
    assert (worst["id"], worst["true"], worst["predicted"]) == ("2.png", [], ["class 2"])
    assert worst["probabilities"] == {"class 2": pytest.approx(0.95)}
    assert [one["id"] for one in found["most_wrong"]] == ["2.png", "0.png"]
    assert [one["id"] for one in found["right"]] == ["1.png"]


def test_only_some_classes_count_for_models_that_share_only_these() -> None:
    p, truth, chosen = random_sets(5, 200, "plain")
    some = tally(p, truth, chosen, only=("class 1", "class 3"), pieces=2)
    assert list(some.per_class()) == ["class 1", "class 3"]
    expected = sk.average_precision_score(truth[:, [1, 3]], p[:, [1, 3]])
    assert some.metrics()["mean_average_precision"] == pytest.approx(expected)
    # The other model has never heard of this label.
    some.add(["class 1|new"], [{"probabilities": p[0], "scores": p[0]}], ["n.png"])
    assert some.details()["unknown_labels"] == {}


def test_unknown_labels_are_named() -> None:
    found = tally(*random_sets(3, 10, "plain"))
    one = np.zeros(3, np.float32)
    found.add(["class 0|bird"], [{"probabilities": one, "scores": one}], ["odd.png"])
    assert found.details()["unknown_labels"] == {"bird": "odd.png"}


@pytest.mark.parametrize("seed", range(3))
def test_only_a_model_that_knows_something_beats_shuffled_answers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((400, 6)) < np.array([0.7, 0.5, 0.4, 0.3, 0.2, 0.0])
    noise = rng.random(truth.shape)
    # One that knows the frequencies, and nothing about the example, and one that knows one class.
    frequencies = truth.mean(axis=0) + 1e-3 * noise
    one_class = np.where(np.arange(6) == 2, truth * 0.5, 0) + noise
    for p, better in ((noise, False), (frequencies, False), (one_class, True)):
        answers = np.clip(p / 1.5, 0, 1).astype(np.float32)
        found = tally(answers, truth, answers >= 0.5, pieces=3)
        chance = found.details()["chance"]
        assert (chance["p_value"] <= 0.01) == better
        assert chance["floor"] == pytest.approx(truth.mean())
        assert chance["classes"] == 6
    assert found.metrics()[chance["metric"]] > chance["floor"] + 0.05


def test_constant_answers_are_no_evidence() -> None:
    _, truth, _ = random_sets(4, 50, "plain")
    p = np.full(truth.shape, 0.9, np.float32)
    found = tally(p, truth, p >= 0.5)
    chance = found.details()["chance"]
    assert chance["p_value"] == 1.0
    assert found.metrics()["mean_average_precision"] == pytest.approx(chance["floor"])


def test_nothing_to_judge_is_undefined_but_no_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty = LabelSetTally(("a", "b"))
        assert np.isnan(empty.metrics()["exact_match"])
        assert empty.metrics()["example_count"] == 0
        assert empty.details()["chance"]["of"] == 0
