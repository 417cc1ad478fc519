"""Counts at each score: what is read from them is what scikit-learn computes from the scores."""

import numpy as np
import pytest
from sklearn import metrics as sk

from tests.trainer_modules.engine.problems.scores import random_scores, table
from trainer_modules.engine.problems import score_table
from trainer_modules.engine.problems.score_table import ScoreTable


@pytest.mark.parametrize("ties", [False, True])
def test_rows_count_each_score_however_they_were_put_together(ties: bool) -> None:
    scores, positive = random_scores(0, 500, ties)
    merged = ScoreTable()
    for part in (slice(300, 500), slice(0, 10), slice(10, 300)):
        merged.merge(table(scores[part], positive[part]))
    distinct = np.unique(scores)
    expected = [
        [s, (positive & (scores == s)).sum(), (~positive & (scores == s)).sum()] for s in distinct
    ]
    np.testing.assert_array_equal(merged.rows, expected)
    np.testing.assert_array_equal(merged.rows, table(scores, positive).rows)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_and_curve_are_scikit_learns(seed: int, ties: bool) -> None:
    scores, positive = random_scores(seed, 200, ties)
    rows = table(scores, positive).rows
    expected = sk.average_precision_score(positive, scores)
    assert score_table.average_precision(rows) == pytest.approx(expected, abs=1e-12)
    precision, recall, _ = sk.precision_recall_curve(positive, scores)
    # Theirs goes from high recall to low, and ends with a point that is no threshold.
    points = np.stack([recall[:-1], precision[:-1]], axis=1)[::-1]
    np.testing.assert_allclose(score_table.curve(rows, 10_000), points, atol=1e-12)


def test_a_curve_of_few_points_keeps_its_ends() -> None:
    scores, positive = random_scores(5, 400, ties=False)
    rows = table(scores, positive).rows
    whole, few = score_table.curve(rows, 10_000), score_table.curve(rows, 7)
    assert len(few) == 7
    assert few[0] == whole[0] and few[-1] == whole[-1]
    assert all(point in whole for point in few)


@pytest.mark.parametrize("count", [0, 5])
def test_without_positives_there_is_nothing_to_find(count: int) -> None:
    rows = table(np.linspace(0, 1, count, dtype=np.float32), np.zeros(count, bool)).rows
    assert score_table.average_precision(rows) == 0.0
    assert score_table.curve(rows, 10) == []
    assert score_table.best_threshold(rows) is None


def test_of_equally_good_thresholds_it_is_the_highest() -> None:
    # From 0.75 on: precision 1, recall 1/2. From 0.25 on: precision 1/2, recall 1. Both F1 2/3.
    scores = np.array([0.75, 0.5, 0.375, 0.25], np.float32)
    positive = np.array([True, False, False, True])
    assert score_table.best_threshold(table(scores, positive).rows) == (0.75 + 0.5) / 2


def test_a_threshold_below_every_score_is_half_the_lowest() -> None:
    rows = table(np.array([0.5, 0.75], np.float32), np.array([True, True])).rows
    assert score_table.best_threshold(rows) == 0.25


def test_neighbouring_scores_leave_room_for_no_middle() -> None:
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    scores = np.array([low, high], np.float32)
    best = score_table.best_threshold(table(scores, np.array([False, True])).rows)
    assert (scores >= np.float32(best)).tolist() == [False, True]


def test_a_table_of_many_scores_stays_small_and_nearly_exact() -> None:
    scores, positive = random_scores(2, 30_000, ties=False)
    exact, small = ScoreTable(), ScoreTable(limit=1000)
    for part in np.array_split(np.arange(len(scores)), 30):
        for one in (exact, small):
            one.add(scores[part], positive[part])
    assert len(exact.rows) > 20_000 and len(small.rows) <= 1001
    found = [score_table.average_precision(t.rows) for t in (exact, small)]
    assert found[0] == pytest.approx(sk.average_precision_score(positive, scores), abs=1e-12)
    assert found[1] == pytest.approx(found[0], abs=2e-3)
    assert small.rows[:, 1:].sum() == 30_000
    # To the nearest step of the grid, which moves the mean of the scores neither up nor down.
    mean = np.average(small.rows[:, 0], weights=small.rows[:, 1:].sum(axis=1))
    assert mean == pytest.approx(scores.mean(dtype=np.float64), abs=1e-4)
