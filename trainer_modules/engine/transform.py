"""The features that Transform stores: the input's, the problem's labels, and the example's id."""

from typing import Any

import tensorflow as tf

from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.problems.contract import Problem


def transformed(raw: dict[str, Any], given: Input, problem: Problem) -> dict[str, Any]:
    """The body of every task's `preprocessing_fn`.

    Args:
      raw: Batched raw features, as the schema parses them.
      given: What the model is given of them.
      problem: What it learns from them.

    Returns:
      The transformed features: the input's, the problem's label features, and `id`.
    """
    # A schema states one value for each example as shape [1]; several values arrive sparse.
    raw = {k: tf.reshape(v, [-1]) if isinstance(v, tf.Tensor) else v for k, v in raw.items()}
    labels = problem.transformed_labels(raw, given)
    return {"id": raw["id"]} | given.transformed(raw) | labels
