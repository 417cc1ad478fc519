"""Holm's correction against the closed test that it abbreviates, by enumeration."""

from itertools import combinations

import numpy as np
import pytest

from components.model_gate import holm


def closed(p_values: list[float]) -> list[float]:
    """Returns, for each test, the largest Bonferroni probability of any set that contains it."""
    places = range(len(p_values))
    sets = [s for size in range(1, len(p_values) + 1) for s in combinations(places, size)]
    each = [
        max(min(1.0, len(s) * min(p_values[i] for i in s)) for s in sets if place in s)
        for place in places
    ]
    return each


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_closed_test(seed: int) -> None:
    p_values = (np.random.default_rng(seed).random(6) ** 3).tolist()
    assert holm.adjusted(p_values) == pytest.approx(closed(p_values))


@pytest.mark.parametrize("seed", range(4))
def test_the_level_of_each_test_decides_as_the_correction(seed: int) -> None:
    p_values = (np.random.default_rng(seed).random(8) ** 4).tolist()
    shown = [p <= 0.05 for p in holm.adjusted(p_values)]
    levels = holm.levels(p_values, 0.05)
    assert [p <= level for p, level in zip(p_values, levels, strict=True)] == shown
    assert min(levels) >= 0.05 / 8 and max(levels) <= 0.05


def test_one_test_needs_no_correction() -> None:
    assert holm.adjusted([0.03]) == [0.03]
    assert holm.levels([0.03], 0.05) == holm.levels([0.3], 0.05) == [0.05]
    assert holm.adjusted([]) == holm.levels([], 0.05) == []
