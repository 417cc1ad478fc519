"""Binary classification: two classes, and one output unit for the second."""

from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.problems.classification import Classification
from trainer_modules.engine.problems.continuation import Continuation
from trainer_modules.engine.problems.contract import Problem


@dataclass(frozen=True, kw_only=True)
class Binary(Classification):
    """Two classes with one sigmoid output, the probability of the second class."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.classes) != 2:
            raise ValueError(
                f"a Binary problem must have 2 classes. Received: {len(self.classes)}: "
                f"{', '.join(self.classes)}"
            )

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "binary_accuracy"

    def output_layers(self) -> list[Any]:
        """Returns the last layers: probability float32 `[batch, 1]` of the second class."""
        from tf_keras import layers

        return [
            layers.Dense(1, name="logits"),
            layers.Activation("sigmoid", dtype="float32", name="probability"),
        ]

    def continued(self, earlier: Problem) -> Continuation | None:
        """Returns the one output, of the other sign where the classes changed places.

        It tells the second class from the first, so with another class it has to be learnt anew.
        """
        if type(earlier) is not type(self):
            return None
        if self.names == earlier.names:
            return Continuation(rows=(0,))
        swapped = self.names == earlier.names[::-1]
        return Continuation(rows=(0,), factor=-1.0) if swapped else Continuation(rows=(None,))

    def training_label(self, parsed: dict[str, Any], given: Input) -> Any:
        """Returns the label as float32 `[1]`, as a single output unit wants it."""
        del given
        import tensorflow as tf

        return tf.cast(parsed["label"], tf.float32)[tf.newaxis]

    def label_bytes(self, given: Input) -> int:
        """Returns the size of one label in memory: a float32."""
        del given
        return 4

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns binary cross-entropy."""
        from tf_keras import losses

        return losses.BinaryCrossentropy(label_smoothing=label_smoothing)

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics."""
        return ("binary_accuracy",)

    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`."""
        from tf_keras import metrics

        return [metrics.BinaryAccuracy(name="binary_accuracy")]

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served, with both classes' probabilities."""
        import tensorflow as tf

        second = tf.cast(outputs, tf.float32)
        return super().served(tf.concat([1.0 - second, second], axis=-1))
