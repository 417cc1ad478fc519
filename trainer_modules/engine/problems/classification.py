"""Classification: one of several classes for each image.

Labels travel as class names. They become indices in `Classification.label_index`, and nowhere
else.
"""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.limits import check_distinct
from trainer_modules.engine.problems.contract import Problem
from trainer_modules.engine.problems.labels import LabelError, single_text
from trainer_modules.engine.problems.measures import (
    ERROR,
    FRACTION_OF_ERRORS,
    FRACTION_OF_EXAMPLES,
    Measure,
    Shown,
)
from trainer_modules.engine.problems.tally import Tally


@dataclass(frozen=True, kw_only=True)
class Classification(Problem):
    """One of several classes for each image.

    Attributes:
      classes: Class names in the order of the model's outputs; () infers them from the data's
        folder names, in sorted order.
    """

    counts_labels: ClassVar[bool] = True
    whole_labels: ClassVar[bool] = True
    smooths_labels: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Measure]] = {
        "accuracy": FRACTION_OF_EXAMPLES,
        "top_5_accuracy": FRACTION_OF_EXAMPLES,
        "weighted_recall": FRACTION_OF_EXAMPLES,
        "log_loss": ERROR,
        "expected_calibration_error": FRACTION_OF_ERRORS,
    }
    shown: ClassVar[Shown] = Shown(
        headline=(
            *("accuracy", "macro_f1", "top_5_accuracy", "auc", "log_loss"),
            "expected_calibration_error",
        ),
        of_slices=("accuracy", "macro_f1", "log_loss"),
        of_class=("precision", "recall", "f1", "support"),
        score="f1",
        sections=("most_wrong", "predictions"),
    )

    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_distinct("classes", self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes, empty if they are not evaluated separately."""
        return self.classes

    @property
    def takes_classes(self) -> bool:
        """Whether the classes are still to be taken from the data."""
        return not self.classes

    def with_classes(self, classes: tuple[str, ...]) -> "Classification":
        """Returns the problem with the classes of the data, if it left them open."""
        return dataclasses.replace(self, classes=classes) if self.takes_classes else self

    @property
    def raw_label(self) -> str:
        """The raw feature with the true label: the class name."""
        return "label"

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "accuracy"

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics; () of classes may still become more than five."""
        return ("accuracy",) if 0 < len(self.classes) <= 5 else ("accuracy", "top_5_accuracy")

    @property
    def label_values(self) -> tuple[str, ...]:
        """The class names."""
        return self.classes

    def label_text(
        self, values: Sequence[str | bytes | int | float], names: tuple[str, ...] = ()
    ) -> str:
        """Returns the class name: of a number, the name that it is the index of."""
        value = values[0] if len(values) == 1 else ""
        if isinstance(value, int):
            known = names or self.classes
            if not 0 <= value < len(known):
                raise LabelError(f"label {value} is not an index into {len(known)} classes")
            value = known[value]
        label = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
        if label in self.classes:
            return str(label)
        near = difflib.get_close_matches(str(label), self.classes, n=1, cutoff=0.5)
        shown = ", ".join(self.classes[:12])
        shown += f", … ({len(self.classes)})" if len(self.classes) > 12 else ""
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        raise LabelError(f"label must be one of {shown or '(nothing)'}. Received: '{label}'{hint}")

    def raw_labels(self, label: str) -> dict[str, list[bytes] | list[float]]:
        """Returns the class name."""
        return {self.raw_label: [label.encode()]}

    def counted_as(self, label: str) -> tuple[str, ...]:
        """Returns the one class."""
        return (label,)

    def label_index(self, label: Any) -> Any:
        """Returns int64 indices `[batch]` of class names `[batch]`; -1 for an unknown name."""
        import tensorflow as tf

        same = tf.equal(label[:, tf.newaxis], tf.constant(self.classes)[tf.newaxis, :])
        index = tf.argmax(tf.cast(same, tf.int32), axis=1, output_type=tf.int64)
        return tf.where(tf.reduce_any(same, axis=1), index, -tf.ones_like(index))

    def transformed_labels(self, inputs: dict[str, Any], given: Input) -> dict[str, Any]:
        """Returns the label features to store: `label`, int64 `[batch]`."""
        del given
        return {"label": self.label_index(inputs["label"])}

    def stored_label_text(self, features: Any) -> str:
        """Returns the class name."""
        index = features["label"].int64_list.value if "label" in features else ()
        return self.classes[index[0]] if index and index[0] >= 0 else ""

    def label_spec(self, given: Input) -> dict[str, Any]:
        """Returns the parsing spec of the stored label features."""
        del given
        import tensorflow as tf

        return {"label": tf.io.FixedLenFeature([], tf.int64)}

    def training_label(self, parsed: dict[str, Any], given: Input) -> Any:
        """Returns the loss's label: int64, scalar for one example."""
        del given
        return parsed["label"]

    def label_bytes(self, given: Input) -> int:
        """Returns the size of one label in memory: an int64."""
        del given
        return 8

    def label_counts(self, labels: Any) -> Any:
        """Returns how often each index occurs."""
        import numpy as np

        wrong = labels[(labels < 0) | (labels >= len(self.classes))]
        if wrong.size:
            raise LabelError(f"{wrong.size} have a label such as index {int(wrong[0])}")
        return np.bincount(labels, minlength=len(self.classes))

    def output_layers(self) -> list[Any]:
        """Returns the network's last layers: probabilities float32 `[batch, classes]`."""
        from tf_keras import layers

        return [
            layers.Dense(len(self.classes), name="logits"),
            layers.Activation("softmax", dtype="float32", name="probabilities"),
        ]

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns cross-entropy, with smoothed targets if set."""
        import tensorflow as tf
        from tf_keras import losses

        if not label_smoothing:
            return losses.SparseCategoricalCrossentropy()
        smoothed = losses.CategoricalCrossentropy(
            label_smoothing=label_smoothing, reduction=losses.Reduction.NONE
        )
        depth = len(self.classes)

        class SmoothedCrossentropy(losses.Loss):
            """Cross-entropy with label smoothing for integer labels."""

            def call(self, y_true: Any, y_pred: Any) -> Any:
                index = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
                return smoothed(tf.one_hot(index, depth), y_pred)

        return SmoothedCrossentropy(name="smoothed_crossentropy")

    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`."""
        from tf_keras import metrics

        listed = [metrics.SparseCategoricalAccuracy(name="accuracy")]
        if len(self.classes) > 5:
            listed.append(metrics.SparseTopKCategoricalAccuracy(5, name="top_5_accuracy"))
        return listed

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: `probabilities`, `label` names and `score`."""
        import tensorflow as tf

        probabilities = tf.cast(outputs, tf.float32)
        return {
            "probabilities": probabilities,
            "label": tf.gather(tf.constant(self.classes), tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
        }

    @property
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names of what is served → dtype and shape of one prediction."""
        count = (len(self.classes),)
        return {
            "probabilities": ("float32", count),
            "label": ("string", ()),
            "score": ("float32", ()),
        }

    def tally(self, *, names: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Tally:
        """Returns an empty tally, see `class_tally`."""
        from trainer_modules.engine.problems.class_tally import ClassTally

        return ClassTally(names or self.classes, only)

    def truth(self, value: Any) -> str:
        """Returns the class name; a byte that is not UTF-8 shows as an escape."""
        return single_text(value)

    @classmethod
    def of_metric(cls, name: str, config: dict[str, Any]) -> "Classification | None":
        """Returns the classification that a `ClassReport` means."""
        return Classification(classes=tuple(config["classes"])) if name == "ClassReport" else None
