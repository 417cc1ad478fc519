"""Regression: predicting a number."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.limits import check_choice, check_number
from trainer_modules.engine.problems import value_scale
from trainer_modules.engine.problems.continuation import Continuation
from trainer_modules.engine.problems.contract import Problem
from trainer_modules.engine.problems.labels import LabelError
from trainer_modules.engine.problems.measures import ERROR, Measure, Shown
from trainer_modules.engine.problems.tally import Tally

# Examples hold float32.
_LARGEST = 3.4028234663852886e38


@dataclass(frozen=True, kw_only=True)
class Regression(Problem):
    """A number for each example.

    Attributes:
      target: Column or feature to predict.
      unit: Unit of the target, as text.
      least: Lowest target that can be true, inclusive; examples below it are rejected. None for no
        bound.
      most: Highest target that can be true, as `least`.
      objective: What is minimised: `mse`, `mae`, or `huber`, which is less sensitive to outliers
        than the first and smoother than the second.
      huber_delta: Where `huber` turns from squared to linear, in deviations of the target.
      standardise_target: Learn the target with mean 0 and standard deviation 1, by the training
        set's statistics. Values are served, stored and measured in the target's own unit.
      target_mean: Instead, a fixed mean that is subtracted for learning.
      target_deviation: Instead, a fixed deviation to divide by.
    """

    monitor_is_error: ClassVar[bool] = True
    answers_probabilities: ClassVar[bool] = False
    raw_label_type: ClassVar[str] = "FLOAT"
    measures: ClassVar[Mapping[str, Measure]] = {
        "mse": ERROR,
        "rmse": ERROR,
        "mae": ERROR,
        "bias": Measure(low=-math.inf, high=math.inf, neutral=True),
        "r2": Measure(low=-math.inf),
    }
    shown: ClassVar[Shown] = Shown(
        headline=("mae", "rmse", "r2"),
        of_slices=("mae", "rmse"),
        sections=("fitted", "regression"),
    )

    target: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    objective: str = "mse"
    huber_delta: float = 1.0
    standardise_target: bool = False
    target_mean: float = 0.0
    target_deviation: float = 1.0

    def __post_init__(self) -> None:
        check_number("least", self.least)
        check_number("most", self.most, least=self.least)
        check_choice("objective", self.objective, value_scale.OBJECTIVES)
        check_number("huber_delta", self.huber_delta, above=0)
        check_number("target_mean", self.target_mean)
        check_number("target_deviation", self.target_deviation, above=0)

    @property
    def names(self) -> tuple[str, ...]:
        """There are no classes."""
        return ()

    @property
    def predicted_number(self) -> str:
        """The target."""
        return self.target

    @property
    def raw_label(self) -> str:
        """The raw feature with the true label."""
        return self.target

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "mae"

    def label_bytes(self, given: Input) -> int:
        """Returns the size of one target in memory: a float32."""
        del given
        return 4

    def label_text(
        self, values: Sequence[str | bytes | int | float], names: tuple[str, ...] = ()
    ) -> str:
        """Returns the number, in the form that Python's `repr` gives it."""
        del names
        if len(values) != 1:
            raise LabelError(f"{self.target} must be one number. Received: {len(values)} values")
        value = values[0]
        text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
        if isinstance(text, str) and not text.strip():
            raise LabelError(f"{self.target} is missing")
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not abs(number) <= _LARGEST:
            raise LabelError(f"{self.target} must be a finite number. Received: {text!r}")
        try:
            check_number(self.target, number, least=self.least, most=self.most)
        except ValueError as error:
            raise LabelError(str(error)) from error
        # Adding zero makes -0.0 and 0.0 the same text.
        return repr(number + 0.0)

    def raw_labels(self, label: str) -> dict[str, list[bytes] | list[float]]:
        """Returns the number under the target's name."""
        return {self.target: [float(label)]}

    def transformed_labels(self, inputs: dict[str, Any], given: Input) -> dict[str, Any]:
        """Returns the label features to store: `target`, float32 `[batch]`, and its statistics."""
        del given
        import tensorflow as tf

        target = tf.cast(inputs[self.target], tf.float32)
        statistics = value_scale.moments(target) if self.standardise_target else {}
        return {"target": target, **statistics}

    def stored_label_text(self, features: Any) -> str:
        """Returns the number with its unit."""
        value = features["target"].float_list.value if "target" in features else ()
        return f"{value[0]:,.4g} {self.unit}".strip() if value else ""

    def statistics_spec(self) -> dict[str, Any]:
        """Returns the spec of the target's mean and deviation, where it is standardised."""
        import tensorflow as tf

        names = (value_scale.MEAN, value_scale.DEVIATION) if self.standardise_target else ()
        return {name: tf.io.FixedLenFeature([], tf.float32) for name in names}

    def fitted(self, statistics: dict[str, float]) -> "Regression":
        """Returns the problem with the training set's mean and deviation.

        Raises:
          BadInputError: If the target does not vary.
        """
        if not self.standardise_target:
            return self
        mean, deviation = (statistics[n] for n in (value_scale.MEAN, value_scale.DEVIATION))
        value_scale.check_deviation(self.target, deviation)
        return dataclasses.replace(self, target_mean=mean, target_deviation=deviation)

    def label_spec(self, given: Input) -> dict[str, Any]:
        """Returns the parsing spec of the stored label features."""
        del given
        import tensorflow as tf

        return {"target": tf.io.FixedLenFeature([], tf.float32)}

    def training_label(self, parsed: dict[str, Any], given: Input) -> Any:
        """Returns the target as float32 `[1]`."""
        del given
        return parsed["target"][None]

    def output_layers(self) -> list[Any]:
        """Returns the last layers: one linear unit in the target's unit, float32 `[batch, 1]`."""
        return value_scale.output_layers(mean=self.target_mean, deviation=self.target_deviation)

    def continued(self, earlier: Problem) -> Continuation | None:
        """Returns the one output, brought to the scale of this training split's target.

        The earlier layer answers `(value - mean) / deviation` in its own mean and deviation; scaled
        and shifted, it gives the same value in the new ones.
        """
        if not isinstance(earlier, Regression):
            return None
        if (self.target, self.unit) != (earlier.target, earlier.unit):
            return None
        return Continuation(
            rows=(0,),
            factor=earlier.target_deviation / self.target_deviation,
            shift=(earlier.target_mean - self.target_mean) / self.target_deviation,
        )

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns the objective, of errors in deviations; there are no labels to smooth."""
        del label_smoothing
        return value_scale.loss(
            self.objective, huber_delta=self.huber_delta, deviation=self.target_deviation
        )

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

    @property
    def submission_fields(self) -> dict[str, str]:
        """The value; there are no classes."""
        return {"value": "value"}

    def tally(self, *, names: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Tally:
        """Returns an empty tally, see `value_tally`."""
        del names, only
        from trainer_modules.engine.problems.value_tally import RegressionTally

        return RegressionTally()

    def truth(self, value: Any) -> float:
        """Returns the target, in its unit."""
        return float(value.item())

    @classmethod
    def of_metric(cls, name: str, config: dict[str, Any]) -> "Regression | None":
        """Returns the regression that a `RegressionReport` means."""
        del config
        return Regression(target="target") if name == "RegressionReport" else None
