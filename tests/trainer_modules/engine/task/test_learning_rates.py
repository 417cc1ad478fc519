"""Schedules against the formulas they promise."""

import math

import pytest

from trainer_modules.engine.task.learning_rates import Cosine, Exponential


@pytest.mark.parametrize("staircase", [False, True])
def test_exponential(staircase: bool) -> None:
    rate = Exponential(initial=1e-5, decay_steps=10, decay_rate=0.9, staircase=staircase).build(
        1000
    )
    for step in (0, 5, 10, 25):
        power = step // 10 if staircase else step / 10
        assert float(rate(step)) == pytest.approx(1e-5 * 0.9**power, rel=1e-5)


def test_cosine_with_warm_up() -> None:
    rate = Cosine(peak=0.4, warmup_fraction=0.2, final_fraction=0.1).build(100)
    for step in (0, 5, 20):
        assert float(rate(step)) == pytest.approx(0.4 * step / 20, abs=1e-7)
    for step in (20, 40, 60, 100):
        share = (step - 20) / 80
        cosine = (1 + math.cos(math.pi * share)) / 2
        assert float(rate(step)) == pytest.approx(0.4 * (0.9 * cosine + 0.1), rel=1e-5)
    assert float(rate(500)) == pytest.approx(0.04)


def test_cosine_without_warm_up_starts_at_the_peak() -> None:
    rate = Cosine(peak=0.4, warmup_fraction=0.0).build(50)
    assert float(rate(0)) == pytest.approx(0.4)
    assert float(rate(50)) == pytest.approx(0.0, abs=1e-7)
