"""What all outcomes can: choose examples, join two models, and weight means."""

import numpy as np
import pytest

from trainer_modules.engine.problems.outcomes import mean
from trainer_modules.engine.problems.value_outcomes import ValueOutcomes

SOME = ValueOutcomes(truth=np.array([1.0, 2.0, 3.0]), value=np.array([1.0, 4.0, 9.0]))


def test_examples_are_chosen_by_any_index() -> None:
    for rows in ([0, 2], np.array([True, False, True]), slice(None, None, 2)):
        taken = SOME.taken(rows)
        assert taken.truth.tolist() == [1, 3] and taken.value.tolist() == [1, 9]
    assert len(SOME) == 3 and SOME.counted.tolist() == [True] * 3 and SOME.width == 1
    assert len(SOME.taken([])) == 0


def test_two_models_follow_one_another() -> None:
    both = SOME.followed_by(SOME.taken([2, 1, 0]))
    assert both.value.tolist() == [1, 4, 9, 9, 4, 1]
    weights = np.array([[1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0.0]])
    assert both.overall("mae", weights).tolist() == [0, 6]


def test_the_mean_of_nothing_is_undefined() -> None:
    means = mean(np.array([1, 3]), np.array([[1.0, 3.0], [0.0, 0.0]]))
    assert means[0] == 2.5 and np.isnan(means[1])


def test_numbers_have_no_classes_and_no_fractions() -> None:
    assert SOME.fraction("mae") is None
    with pytest.raises(ValueError, match="there are no classes"):
        SOME.of_classes("recall", np.ones((1, 3)))


def test_r2_of_a_target_that_does_not_vary() -> None:
    same = ValueOutcomes(truth=np.array([2.0, 2.0, 5.0]), value=np.array([2.0, 3.0, 5.0]))
    weights = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1.0]])
    assert same.overall("r2", weights) == pytest.approx([1.0, 0.0, 1 - 1 / 6])
