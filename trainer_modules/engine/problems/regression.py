"""Regression: predicting a number from rows."""

from dataclasses import dataclass
from typing import Any, ClassVar

from trainer_modules.engine.problems.contract import Problem

_EVALUATION = "trainer_modules.engine.evaluation"


@dataclass(frozen=True, kw_only=True)
class Regression(Problem):
    """A number for each row.

    Attributes:
      target: Column to predict.
      features: Columns to predict it from, in the order of the model's input.
      unit: Unit of the target, as text.
      standardise: Standardise every feature to mean 0 and standard deviation 1 with the training
        set's statistics.
      shown: Rows of features, in their order, whose predictions the report shows.
    """

    monitor_is_error: ClassVar[bool] = True
    answers_probabilities: ClassVar[bool] = False

    target: str
    features: tuple[str, ...]
    unit: str = ""
    standardise: bool = False
    shown: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        for row in self.shown:
            if len(row) != len(self.features):
                raise ValueError(
                    f"shown must contain rows of {len(self.features)} numbers, one for each of "
                    f"{', '.join(self.features)}. Received: {row}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """There are no classes."""
        return ()

    @property
    def raw_label(self) -> str:
        """The raw feature with the true label."""
        return self.target

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "mae"

    def label_bytes(self, image: Any) -> int:
        """Returns the size of one target in memory: a float32."""
        del image
        return 4

    def transformed_labels(self, inputs: dict[str, Any], image: Any) -> dict[str, Any]:
        """Returns the label features to store: `target`, float32 `[batch]`."""
        del image
        import tensorflow as tf

        return {"target": tf.cast(inputs[self.target], tf.float32)}

    def label_spec(self, image: Any) -> dict[str, Any]:
        """Returns the parsing spec of the stored label features."""
        del image
        import tensorflow as tf

        return {"target": tf.io.FixedLenFeature([], tf.float32)}

    def training_label(self, parsed: dict[str, Any], image: Any) -> Any:
        """Returns the target as float32 `[1]`."""
        del image
        return parsed["target"][None]

    def output_layers(self) -> list[Any]:
        """Returns the last layer: one linear unit, float32 `[batch, 1]`."""
        from tf_keras import layers

        return [layers.Dense(1, dtype="float32", name="value")]

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns mean squared error; there are no labels to smooth."""
        del label_smoothing
        from tf_keras import losses

        return losses.MeanSquaredError()

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics."""
        return ("mae",)

    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`."""
        from tf_keras import metrics

        return [metrics.MeanAbsoluteError(name="mae")]

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: `value`, float32 `[batch]`."""
        import tensorflow as tf

        return {"value": tf.cast(outputs, tf.float32)[:, 0]}

    @property
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names of what is served → dtype and shape of one prediction."""
        return {"value": ("float32", ())}

    def evaluation_metrics(self) -> list[dict[str, Any]]:
        """Returns TFMA metric configs as dicts (`class_name`, `module`, `config`)."""
        return [{"class_name": "RegressionReport", "module": _EVALUATION, "config": {}}]
