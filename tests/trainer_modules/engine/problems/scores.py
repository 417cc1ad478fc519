"""Scores of one class with the truth behind them, for the tests of tables and thresholds."""

import numpy as np

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
