"""The choice of thresholds against a search of every threshold, and what it is worth."""

import numpy as np
import pytest
from sklearn import metrics as sk

from tests.trainer_modules.engine.problems.scores import random_scores, table
from trainer_modules.engine.problems import score_table, thresholds


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
