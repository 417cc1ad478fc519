"""The trials of a search, run by KerasTuner."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner

from trainer_modules.engine.custom_config import SPACE_KEY, TASK_KEY, TRIALS_KEY
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.hyperparameters import Choice, Hyperparameter
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training import run, search, training

_log = logging.getLogger("tfx_vision")


class TaskTuner(base_tuner.BaseTuner):
    """Trains the task once for each trial and returns the best validation score."""

    def __init__(self, task: Recipe, objective: keras_tuner.Objective, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._task = task
        self._objective = objective

    def run_trial(self, trial: Any, **data: Any) -> dict[str, float]:
        """Returns `{objective: its best value over the epochs}` of one trial."""
        values = trial.hyperparameters.values
        task = search.applied(self._task, {"values": values})
        folder = os.path.join(self.project_dir, f"trial_{trial.trial_id}", "training")
        trained = training.train(task, **data, model_dir=folder, log_dir=folder)
        name = self._objective.name
        scores = [epoch[name] for epoch in trained.history["epochs"] if name in epoch]
        best = max(scores) if self._objective.direction == "max" else min(scores)
        shown = "  ".join(
            f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in values.items()
        )
        _log.info("trial %s  %s %.4f  %s", trial.trial_id, name, best, shown)
        return {name: best}

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Saves nothing: Trainer trains with the best settings again."""

    def load_model(self, trial: Any) -> Any:
        """Not supported, as no model is saved."""
        raise NotImplementedError


def tuner(
    task: Recipe, fn_args: Any, space: Sequence[Hyperparameter], *, trials: int, folder: str
) -> Any:
    """Returns TFX's `TunerFnResult` for a Bayesian search.

    Args:
      task: The task with the initial recipe.
      fn_args: TFX's `FnArgs`, for the data.
      space: What to vary.
      trials: How many trials to run.
      folder: Where the oracle keeps its state.
    """
    from tfx.components.tuner.component import TunerFnResult

    task = run.fitted(task, fn_args)
    hyperparameters = keras_tuner.HyperParameters()
    for hyperparameter in space:
        if isinstance(hyperparameter, Choice):
            values = list(hyperparameter.values)
            now = search.current(task, hyperparameter.key)
            default = now if now in values else values[0]
            hyperparameters.Choice(hyperparameter.key, values, default=default)
        else:
            sampling = "log" if hyperparameter.log else "linear"
            default = min(
                max(search.current(task, hyperparameter.key), hyperparameter.low),
                hyperparameter.high,
            )
            hyperparameters.Float(
                hyperparameter.key,
                hyperparameter.low,
                hyperparameter.high,
                sampling=sampling,
                default=default,
            )
    direction = "min" if task.problem.monitor_is_error else "max"
    objective = keras_tuner.Objective(f"val_{task.problem.monitor}", direction)
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        objective=objective,
        max_trials=trials,
        hyperparameters=hyperparameters,
        seed=task.train.seed,
        max_consecutive_failed_trials=1,
    )
    made = TaskTuner(task, objective, oracle=oracle, directory=folder, project_name=task.name)
    return TunerFnResult(tuner=made, fit_kwargs=run.data(task, fn_args))


def tuner_fn(fn_args: Any) -> Any:
    """What TFX's Tuner calls: returns a tuner over the search space and what to call it with.

    Args:
      fn_args: TFX's `FnArgs`; `custom_config` holds the recipe, the declared search space and the
        number of trials.
    """
    task = overrides.from_json(fn_args.custom_config[TASK_KEY])
    trials = int(fn_args.custom_config[TRIALS_KEY])
    space = search.space(task, overrides.from_json(fn_args.custom_config[SPACE_KEY]))
    folder = os.path.join(fn_args.working_dir, "trials")
    return tuner(task, fn_args, space, trials=trials, folder=folder)
