import pytest

from trainer_modules import digits, gtsrb
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.hyperparameters import Choice, Range
from trainer_modules.engine.training import search


def test_the_space_is_what_the_recipe_lets_one_derive() -> None:
    assert search.space(digits.TASK) == (
        Range(key="phases.0.learning_rate", low=1e-4, high=1e-2, log=True),
        Choice(key="model.layers.1.units", values=(128, 256, 512)),
    )
    keys = [one.key for one in search.space(gtsrb.TASK)]
    assert keys == [
        "phases.0.learning_rate",
        "phases.0.trainable.layers",
        "model.head.1.units",
        "model.head.2.rate",
    ]


def test_a_declared_space_stands() -> None:
    declared = '[{"type": "Choice", "key": "train.seed", "values": [1, 2]}]'
    task = overrides.apply(digits.TASK, [f"search={declared}"])
    assert search.space(task, task.search) == (Choice(key="train.seed", values=(1, 2)),)


def test_best_values_are_settings_and_none_change_nothing() -> None:
    values = {"phases.0.learning_rate": 0.004, "model.layers.1.units": 128}
    task = search.applied(digits.TASK, {"space": [], "values": values})
    assert (task.phases[0].learning_rate, task.model.layers[1].units) == (0.004, 128)
    assert search.applied(digits.TASK, None) == digits.TASK


def test_a_key_that_names_nothing_is_refused() -> None:
    assert search.current(digits.TASK, "model.layers.1.units") == 256
    with pytest.raises(BadInputError, match=r"layers\.7"):
        search.current(digits.TASK, "model.layers.7.units")


def test_a_former_key_is_searched_under_its_current_name() -> None:
    """A task file of one's own may hold it, and so may the best values of an earlier Tuner."""
    key = "phases.0.validation_share"
    assert search.current(digits.TASK, key) == 1.0
    task = search.applied(digits.TASK, {"values": {key: 0.5}})
    assert task.phases[0].validation_fraction == 0.5
