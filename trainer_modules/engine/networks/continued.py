"""The weights of a new network that goes on from an earlier one."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from trainer_modules.engine.problems.continuation import Continuation

Variable = tuple[str, np.ndarray]
"""A variable's name, as `dense/kernel`, and its value."""

# Keras counts layers of one name through a process: `dense`, `dense_1`, ….
_COUNT = re.compile(r"_\d+(?=/|$)")


def weights(model: Any, earlier: Sequence[Variable], how: Continuation) -> list[np.ndarray]:
    """Returns the weights to start `model` with, in the order of `model.weights`.

    All are those of the earlier network, except for the rows of new outputs, which stay as `model`
    has them.

    Args:
      model: The new `tf_keras` network, initialised; its last layer with weights has the outputs.
      earlier: The earlier network's variables, in the order of its `weights`.
      how: How the outputs go on.

    Raises:
      ValueError: If the networks differ in more than the number of outputs; it says where.
    """
    names = [_plain(variable.name) for variable in model.weights]
    fresh = model.get_weights()
    if len(fresh) != len(earlier):
        raise ValueError(f"it has {len(earlier)} variables, and this network has {len(fresh)}")
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    head = {id(variable) for variable in last.weights[-2:]}
    started = []
    for variable, name, values, (stored, before) in zip(
        model.weights, names, fresh, earlier, strict=True
    ):
        if id(variable) in head:
            started.append((how.bias if values.ndim == 1 else how.kernel)(before, values))
        elif before.shape != values.shape or _plain(stored) != name:
            raise ValueError(
                f"its variable {stored} has the shape {before.shape}, where this network has "
                f"{name} of {values.shape}"
            )
        else:
            started.append(before.astype(values.dtype))
    return started


def _plain(name: str) -> str:
    return _COUNT.sub("", name.partition(":")[0])
