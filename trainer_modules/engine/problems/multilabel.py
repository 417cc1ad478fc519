"""Multi-label classification: any number of the classes for each image, or none.

A label is a set of class names. As one text (`cat|dog`, in the order of the classes) it travels to
Transform, which turns it into 0 and 1 for each class.
"""

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from trainer_modules.engine.errors import did_you_mean
from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.problems import label_sets
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

_log = logging.getLogger("tfx_vision")
# The threshold of a class for which none was chosen.
_DEFAULT = 0.5


@dataclass(frozen=True, kw_only=True)
class MultiLabel(Problem):
    """Any number of several classes for each image.

    Attributes:
      classes: Class names in the order of the model's outputs; () infers them from the data, in
        sorted order.
      threshold: The probability from which on a class is predicted, in (0, 1), for every class;
        None to choose it for each class after the training, see `thresholds`.
      thresholds: These probabilities, in the order of the classes. Trainer fills them in, and they
        are part of the served model; () in a task.
      separator: Text between the names where a text holds several, such as a cell of a CSV; also
        in predictions.
      multi_hot: In TFRecords, numbers are 0 or 1 for each class, in the order of the classes, and
        not indices of classes.
    """

    smooths_labels: ClassVar[bool] = True
    counts_labels: ClassVar[bool] = True
    competing: ClassVar[bool] = False
    settles: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Measure]] = {
        "exact_match": FRACTION_OF_EXAMPLES,
        "hamming_loss": FRACTION_OF_ERRORS,
        "log_loss": ERROR,
    }
    shown: ClassVar[Shown] = Shown(
        headline=("mean_average_precision", "macro_f1", "exact_match", "log_loss"),
        of_slices=("mean_average_precision", "macro_f1", "log_loss"),
        of_class=(
            *("precision", "recall", "f1", "cross_fitted_f1", "average_precision", "threshold"),
            "support",
        ),
        score="f1",
        sections=("labels",),
    )

    classes: tuple[str, ...] = ()
    threshold: float | None = None
    thresholds: tuple[float, ...] = ()
    separator: str = label_sets.SEPARATOR
    multi_hot: bool = False

    def __post_init__(self) -> None:
        label_sets.check_names(self.classes, self.separator)
        for value in (self.threshold, *self.thresholds):
            if value is not None and not 0 < value < 1:
                raise ValueError(f"a threshold must be between 0 and 1. Received: {value}")
        if self.thresholds and len(self.thresholds) != len(self.classes):
            raise ValueError(
                f"thresholds must be one for each of {len(self.classes)} classes. "
                f"Received: {len(self.thresholds)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.classes

    @property
    def takes_classes(self) -> bool:
        """Whether the classes are still to be taken from the data."""
        return not self.classes

    def with_classes(self, classes: tuple[str, ...]) -> "MultiLabel":
        """Returns the problem with the classes of the data, if it left them open."""
        return dataclasses.replace(self, classes=classes) if self.takes_classes else self

    # The label

    def label_text(
        self, values: Sequence[str | bytes | int | float], names: tuple[str, ...] = ()
    ) -> str:
        """Returns the set as text: of texts, all names in them; of numbers, see `multi_hot`."""
        known = names or self.classes
        if values and not isinstance(values[0], str | bytes):
            numbers = [value for value in values if not isinstance(value, str | bytes)]
            named_by = label_sets.of_multi_hot if self.multi_hot else label_sets.of_index
            chosen = named_by(numbers, known)
        else:
            chosen = list(label_sets.names_in(values, self.separator))
        for name in chosen:
            if name not in self.classes:
                raise LabelError(
                    f"a label {did_you_mean(name, self.classes)}"
                    if name
                    else f"there is an empty name beside a '{self.separator}'"
                )
        return label_sets.joined(chosen, self.classes, self.separator)

    def merged_label(self, labels: Iterable[str]) -> str:
        """Returns the set of all labels that copies of one image have."""
        return label_sets.joined(
            label_sets.names_in(labels, self.separator), self.classes, self.separator
        )

    def raw_labels(self, label: str) -> dict[str, list[bytes] | list[float]]:
        """Returns the set as one text: the feature then has one value whatever the set's size."""
        return {self.raw_label: [label.encode()]}

    def counted_as(self, label: str) -> tuple[str, ...]:
        """Returns every name in the set."""
        return label_sets.names_in([label], self.separator)

    @property
    def raw_label(self) -> str:
        """The raw feature with the true labels: their names in one text."""
        return "label"

    def transformed_labels(self, inputs: dict[str, Any], given: Input) -> dict[str, Any]:
        """Returns the label feature to store: `label`, int64 `[batch, classes]` of 0 and 1.

        A set with an unknown name becomes -1 in every class, so that it cannot be taken for a set
        without that name.
        """
        del given
        import tensorflow as tf

        names = tf.strings.split(inputs["label"], self.separator).to_tensor("")
        same = tf.equal(names[:, :, tf.newaxis], tf.constant(self.classes))
        known = tf.reduce_all(tf.reduce_any(same, axis=2) | tf.equal(names, ""), axis=1)
        chosen = tf.cast(tf.reduce_any(same, axis=1), tf.int64)
        return {"label": tf.where(known[:, tf.newaxis], chosen, -tf.ones_like(chosen))}

    def stored_label_text(self, features: Any) -> str:
        """Returns the names of the set."""
        chosen = features["label"].int64_list.value if "label" in features else ()
        names = zip(self.classes, chosen, strict=False)
        return self.separator.join(name for name, there in names if there == 1)

    def label_spec(self, given: Input) -> dict[str, Any]:
        """Returns the parsing spec of the stored label feature."""
        del given
        import tensorflow as tf

        return {"label": tf.io.FixedLenFeature([len(self.classes)], tf.int64)}

    def training_label(self, parsed: dict[str, Any], given: Input) -> Any:
        """Returns the loss's label: float32 `[classes]` of 0 and 1."""
        del given
        import tensorflow as tf

        return tf.cast(parsed["label"], tf.float32)

    def label_bytes(self, given: Input) -> int:
        """Returns the size of one label in memory: a float32 for each class."""
        del given
        return 4 * len(self.classes)

    def label_counts(self, labels: Any) -> Any:
        """Returns the sum of every column."""
        wrong = int((labels < 0).any(axis=1).sum())
        if wrong:
            raise LabelError(f"{wrong} have a set with an unknown name")
        return labels.sum(axis=0)

    # The network and its training

    def output_layers(self) -> list[Any]:
        """Returns the last layers: a probability for each class, float32 `[batch, classes]`."""
        from tf_keras import layers

        return [
            layers.Dense(len(self.classes), name="logits"),
            layers.Activation("sigmoid", dtype="float32", name="probabilities"),
        ]

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns binary cross-entropy, the mean over the classes."""
        from tf_keras import losses

        return losses.BinaryCrossentropy(label_smoothing=label_smoothing)

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "pr_auc"

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics."""
        return ("pr_auc", "binary_accuracy")

    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`.

        `pr_auc` is the area under the precision-recall curve, the mean over the classes. Keras
        computes it on 200 thresholds, with interpolation; Evaluator's `mean_average_precision` is
        exact.
        """
        from tf_keras import metrics

        return [
            metrics.AUC(curve="PR", multi_label=True, num_labels=len(self.classes), name="pr_auc"),
            metrics.BinaryAccuracy(name="binary_accuracy"),
        ]

    # After the training

    def settled(self, outputs: Any, labels: Any) -> tuple["MultiLabel", dict[str, Any]]:
        """Returns the problem with its thresholds, and what was chosen, for the history."""
        from trainer_modules.engine.problems.thresholds import FEWEST, choose

        facts: dict[str, Any] = {"examples": len(outputs), "fixed": self.threshold is not None}
        if self.threshold is not None:
            values: tuple[float, ...] = (self.threshold,) * len(self.classes)
        else:
            chosen = choose(outputs, labels, default=_DEFAULT)
            values = chosen.thresholds
            facts["defaulted"] = {self.classes[i]: n for i, n in chosen.defaulted.items()}
            for name, count in facts["defaulted"].items():
                _log.warning(
                    "class '%s' keeps the threshold %g: it has %d validation examples, and %d are "
                    "needed to choose one",
                    *(name, _DEFAULT, count, FEWEST),
                )
        facts["thresholds"] = dict(zip(self.classes, values, strict=True))
        return dataclasses.replace(self, thresholds=values), facts

    # What is served

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served.

        `probabilities` of all classes; `labels`, the names of the predicted set as one text; and
        `scores`, the probabilities of the classes in this set and 0 for the others.
        """
        import tensorflow as tf

        p = tf.cast(outputs, tf.float32)
        values = self.thresholds or (self.threshold or _DEFAULT,) * len(self.classes)
        chosen = p >= tf.constant(values, tf.float32)
        names = tf.constant([name + self.separator for name in self.classes])
        text = tf.strings.reduce_join(tf.where(chosen, names, ""), axis=-1)
        length = tf.maximum(tf.strings.length(text) - len(self.separator.encode()), 0)
        return {
            "probabilities": p,
            "labels": tf.strings.substr(text, tf.zeros_like(length), length),
            "scores": tf.where(chosen, p, 0.0),
        }

    @property
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names of what is served → dtype and shape of one prediction."""
        count = (len(self.classes),)
        return {
            "probabilities": ("float32", count),
            "labels": ("string", ()),
            "scores": ("float32", count),
        }

    @property
    def submission_fields(self) -> dict[str, str]:
        """The names of the set."""
        return {"name": "labels"}

    # How it is judged

    def tally(self, *, names: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Tally:
        """Returns an empty tally, see `label_set_tally`."""
        from trainer_modules.engine.problems.label_set_tally import LabelSetTally

        return LabelSetTally(names or self.classes, only, self.separator)

    def truth(self, value: Any) -> str:
        """Returns the set as one text."""
        return single_text(value)
