"""The choice of thresholds against a search of every threshold, and what it is worth."""

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems import score_table, thresholds
from trainer_modules.engine.problems.score_table import ScoreTable


def random_scores(seed: int, count: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(count) < 0.3
    scores = (rng.random(count) * 0.8 + 0.2 * positive).astype(np.float32)
    return (np.round(scores, 1) if ties else scores), positive


def table(scores: np.ndarray, positive: np.ndarray, **kwargs: int) -> ScoreTable:
    made = ScoreTable(**kwargs)
    made.add(scores, positive)
    return made


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_no_other_threshold_is_better(seed: int, ties: bool) -> None:
    scores, positive = random_scores(seed, 120, ties)
    best = thresholds.choose(scores[:, None], positive[:, None]).thresholds[0]
    every = [sk.f1_score(positive, scores >= t) for t in np.unique(scores)]
    ours = sk.f1_score(positive, scores >= np.float32(best))
    assert ours == pytest.approx(max(every), abs=1e-12)
    # A small rounding of the scores, as between devices, changes no decision.
    if not ties:
        assert ((scores >= best) == (scores + 1e-7 >= best)).all()


def test_thresholds_survive_json_and_float32() -> None:
    scores, positive = random_scores(1, 500, ties=False)
    best = thresholds.choose(scores[:, None], positive[:, None]).thresholds[0]
    assert float(repr(best)) == best == float(np.float32(best))


def test_neighbouring_scores_leave_room_for_no_middle() -> None:
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    scores = np.array([low, high], np.float32)
    best = score_table.best_threshold(table(scores, np.array([False, True])).rows)
    assert (scores >= np.float32(best)).tolist() == [False, True]


def test_too_few_examples_choose_nothing() -> None:
    scores = np.linspace(0, 1, 40, dtype=np.float32)[:, None].repeat(3, axis=1)
    truth = np.zeros((40, 3), int)
    truth[:9, 0], truth[30:, 1] = 1, 1
    chosen = thresholds.choose(scores, truth)
    assert chosen.defaulted == {0: 9, 2: 0}
    assert chosen.thresholds[0] == chosen.thresholds[2] == 0.5
    assert chosen.thresholds[1] == pytest.approx(29.5 / 39)


def test_cross_fitting_sees_through_a_lucky_choice() -> None:
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(40):
        scores = rng.random(60).astype(np.float32)
        positive = rng.random(60) < 0.2
        halves = [table(scores[i::2], positive[i::2]).rows for i in (0, 1)]
        best = score_table.best_threshold(table(scores, positive).rows)
        fitted = sk.f1_score(positive, scores >= best) if best is not None else 0.0
        gains.append(fitted - thresholds.cross_fitted_f1(halves))
    assert np.mean(gains) > 0.05
    scores, positive = random_scores(3, 4000, ties=False)
    halves = [table(scores[i::2], positive[i::2]).rows for i in (0, 1)]
    best = score_table.best_threshold(table(scores, positive).rows)
    fitted = sk.f1_score(positive, scores >= best)
    assert thresholds.cross_fitted_f1(halves) == pytest.approx(fitted, abs=0.03)


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
