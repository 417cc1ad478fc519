import json
from types import SimpleNamespace

import pytest

from trainer_modules import digits, gtsrb
from trainer_modules.engine import overrides, search
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.hyperparameters import Choice, Range


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
    assert search.space(task) == (Choice(key="train.seed", values=(1, 2)),)


def test_best_values_are_settings_and_none_change_nothing() -> None:
    values = {"phases.0.learning_rate": 0.004, "model.layers.1.units": 128}
    task = search.applied(digits.TASK, {"space": [], "values": values})
    assert (task.phases[0].learning_rate, task.model.layers[1].units) == (0.004, 128)
    assert search.applied(digits.TASK, None) == digits.TASK


def test_a_key_that_names_nothing_is_refused() -> None:
    assert search.current(digits.TASK, "model.layers.1.units") == 256
    with pytest.raises(BadInputError, match=r"layers\.7"):
        search.current(digits.TASK, "model.layers.7.units")


def test_trials_are_trained_scored_and_the_best_is_the_best(tiny, tiny_files, tmp_path) -> None:
    from keras_tuner.engine import trial as trials

    space = (Choice(key="phases.0.learning_rate", values=(1e-7, 0.02)),)
    task = tiny(search=space, train__seed=3)
    fn_args = SimpleNamespace(
        custom_config={"task": json.loads(overrides.to_json(task)), "trials": 2},
        working_dir=str(tmp_path),
        **{k: v for k, v in tiny_files.items()},
    )
    fn_args.custom_config["task"] = overrides.to_json(task)
    made = search.tuner_fn(fn_args)
    made.tuner.search(**made.fit_kwargs)
    done = made.tuner.oracle.get_best_trials(2)
    assert all(t.status == trials.TrialStatus.COMPLETED for t in done)
    assert made.tuner.get_best_hyperparameters()[0].values["phases.0.learning_rate"] == 0.02
    assert done[0].score > done[-1].score
