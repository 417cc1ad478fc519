"""Hyperparameter search: the search space, one trial, and the best trial's settings.

A hyperparameter is named by the key that `--set` would use, so that a trial is the task with a
few settings applied, and the best trial can be repeated by hand. KerasTuner's oracle proposes;
its `Tuner` class accepts only Keras 3 models, its `BaseTuner` any trial that returns a score.
"""

from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import aliases, overrides
from trainer_modules.engine.task.hyperparameters import Choice, Hyperparameter, Range
from trainer_modules.engine.task.layers import Dense, Dropout
from trainer_modules.engine.task.task import Backbone, Last, Network, Recipe


def space(task: Recipe, declared: tuple[Hyperparameter, ...] = ()) -> tuple[Hyperparameter, ...]:
    """Returns the search space: what the task declares, or one derived from the recipe.

    The derived space has a factor of ten on either side of each constant learning rate, half and
    double of each dense layer's units, each dropout rate, and the number of trainable layers of a
    base.

    Args:
      task: The recipe.
      declared: `Task.search`; () to derive the space.
    """
    if declared:
        return declared
    parameters: list[Hyperparameter] = []
    for i, phase in enumerate(task.phases):
        if isinstance(phase.learning_rate, float):
            rate = phase.learning_rate
            key = f"phases.{i}.learning_rate"
            parameters.append(Range(key=key, low=rate / 10, high=rate * 10, log=True))
        if isinstance(phase.trainable, Last):
            n = phase.trainable.layers
            counts = tuple(sorted({max(1, n // 2), n, 2 * n}))
            parameters.append(Choice(key=f"phases.{i}.trainable.layers", values=counts))
    field, layers = {
        Network: ("layers", getattr(task.model, "layers", ())),
        Backbone: ("head", getattr(task.model, "head", ())),
    }.get(type(task.model), ("", ()))
    for i, layer in enumerate(layers):
        if isinstance(layer, Dense):
            units = tuple(sorted({max(1, layer.units // 2), layer.units, 2 * layer.units}))
            parameters.append(Choice(key=f"model.{field}.{i}.units", values=units))
        if isinstance(layer, Dropout):
            parameters.append(Range(key=f"model.{field}.{i}.rate", low=0.0, high=0.7))
    return tuple(parameters)


def current(task: Recipe, key: str) -> Any:
    """Returns the recipe's own value of a key, the default of its hyperparameter.

    Raises:
      BadInputError: If the key names nothing.
    """
    value: Any = task
    for part in aliases.current_key(task, key).split("."):
        try:
            value = value[int(part)] if isinstance(value, tuple) else getattr(value, part)
        except (AttributeError, IndexError, ValueError) as error:
            raise BadInputError(f"search: the task has no setting {key!r}.") from error
    return value


def applied(task: Recipe, hyperparameters: dict[str, Any] | None) -> Recipe:
    """Returns the task with Tuner's best values set.

    Args:
      task: The task.
      hyperparameters: KerasTuner's `HyperParameters.get_config()`, or None.
    """
    values = (hyperparameters or {}).get("values", {})
    return overrides.apply(task, [f"{key}={value!r}" for key, value in values.items()])
