"""The scale in which a number is learnt: its loss, its last layers and its training statistics.

A network learns best what varies by about 1. Instead of storing scaled targets, the last layer
brings the network's output back to the target's unit, and the loss divides by the deviation. Both
together are the same as training on standardised targets, but metrics, the served value and stored
data stay in the target's own unit.
"""

from typing import Any

from trainer_modules.engine.errors import BadInputError

OBJECTIVES = ("mse", "mae", "huber")
"""What may be minimised: the squared error, the absolute error, or Huber's mix of both."""

MEAN, DEVIATION = "target_mean", "target_deviation"
"""Transformed features with the training set's statistics, the same in every example."""


def moments(target: Any) -> dict[str, Any]:
    """Returns the training set's mean and standard deviation, repeated for each example.

    Args:
      target: float32 `[batch]`, inside Transform's `preprocessing_fn`.

    Returns:
      `target_mean` and `target_deviation`, float32 `[batch]`.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    # In float32 years around 2000 would lose their deviation.
    precise = tf.cast(target, tf.float64)
    statistics = {
        MEAN: tft.mean(precise, output_dtype=tf.float64),
        DEVIATION: tf.sqrt(tft.var(precise, output_dtype=tf.float64)),
    }
    return {
        name: tf.fill(tf.shape(target), tf.cast(value, tf.float32))
        for name, value in statistics.items()
    }


def check_deviation(target: str, deviation: float) -> None:
    """Checks that one can divide by a deviation.

    Raises:
      BadInputError: If all targets are equal.
    """
    if not deviation > 0:
        raise BadInputError(
            f"{target} must vary in the training split to be standardised. Received: one value in "
            "all examples"
        )


def output_layers(*, mean: float, deviation: float) -> list[Any]:
    """Returns the last layers: one linear unit in the target's unit, float32 `[batch, 1]`."""
    from tf_keras import layers

    if (mean, deviation) == (0.0, 1.0):
        return [layers.Dense(1, dtype="float32", name="value")]
    return [
        layers.Dense(1, dtype="float32", name="scaled_value"),
        layers.Rescaling(deviation, mean, dtype="float32", name="value"),
    ]


def loss(objective: str, *, huber_delta: float, deviation: float) -> Any:
    """Returns the Keras loss of targets and values, both float32 `[batch, 1]` in one unit.

    Args:
      objective: One of `OBJECTIVES`.
      huber_delta: Errors up to this are squared, larger ones count linearly, in deviations.
      deviation: What errors are divided by.
    """
    from tf_keras import losses

    kinds: dict[str, Any] = {
        "mse": losses.mean_squared_error,
        "mae": losses.mean_absolute_error,
        "huber": lambda true, value: losses.huber(true, value, delta=huber_delta),
    }

    class ScaledError(losses.Loss):
        """The error in deviations of the target."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            import tensorflow as tf

            # The difference first: large targets would lose the digits that make it up.
            error = (y_pred - tf.cast(y_true, y_pred.dtype)) / deviation
            return kinds[objective](tf.zeros_like(error), error)

    return ScaledError(name=objective)
