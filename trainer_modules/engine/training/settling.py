"""What follows from the outputs for the validation examples after the training.

A problem may choose something, and two trainings are compared by their score.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from trainer_modules.engine.problems import Problem
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.training import examples, exported
from trainer_modules.engine.training.input_pipeline import Split

_BATCH = 64


def settle(trained: exported.Trained, network: Any, split: Split) -> tuple[Problem, dict[str, Any]]:
    """Returns the problem to serve, and what it chose; the problem itself where there is no choice.

    Args:
      trained: The training.
      network: The network that is exported: the choice must fit what is served.
      split: All of the validation split, also where the epochs validated on a fraction of it.
    """
    problem = trained.task.problem
    if not problem.settles:
        return problem, {}
    outputs, labels = [], []
    with exported.host(trained):
        answer = serving.network(network, trained.task)
        for inputs, truth in _batches(split):
            outputs.append(answer(inputs).numpy())
            labels.append(truth)
    return problem.settled(np.concatenate(outputs), np.concatenate(labels))


def score(trained: exported.Trained, network: Any, split: Split) -> float:
    """Returns `Problem.monitor` of the network that is exported, on all of the validation split."""
    problem = trained.task.problem
    (metric,) = (m for m in problem.training_metrics() if m.name == problem.monitor)
    with exported.host(trained):
        answer = serving.network(network, trained.task)
        for inputs, truth in _batches(split):
            metric.update_state(truth, answer(inputs))
    return float(metric.result())


def _batches(split: Split) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if split.memory is not None:
        inputs, labels = split.memory
        for start in range(0, len(inputs), _BATCH):
            yield inputs[start : start + _BATCH], labels[start : start + _BATCH]
        return
    decoded = examples.in_order(split.shards).map(lambda s: examples.decode(split.task, s))
    yield from decoded.batch(_BATCH).prefetch(1).as_numpy_iterator()
