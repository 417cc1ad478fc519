"""What a kind of problem must answer: the contract between a kind and everything else.

A problem is a frozen dataclass, part of the task, stored as JSON with it. Its methods follow the
way of a label, from the raw record to the report. Nothing outside this package asks which kind a
problem is. TensorFlow is imported inside the methods that need it, because command lines and
ExampleGen's launcher read tasks without it.
"""

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.problems.measures import Measure, Shown


class LabelError(ValueError):
    """Why a value of the data is not a label, as text that follows the example's name."""


class Tally(Protocol):
    """Running totals over predictions: add, merge, then read.

    The totals of any partition of the data, merged in any order, are those of the whole.
    """

    def add(self, labels: list[Any], predictions: list[Any], ids: list[str]) -> None:
        """Counts a batch.

        Args:
          labels: What `Problem.truth` returned for each example.
          predictions: For each, what the model served: name → NumPy array without a batch
            dimension, or that array alone if it serves only one.
          ids: Names of the examples.
        """

    def merge(self, other: Any) -> None:
        """Adds the totals of another part of the data."""

    def metrics(self) -> dict[str, float]:
        """Returns scalars by name; NaN where one is undefined on these examples."""

    def per_class(self) -> dict[str, dict[str, float]]:
        """Returns scalars by name for each class; {} if the problem has no classes."""

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the metrics, JSON-serialisable.

        Among it: `kind`, a name for its form; `chance`, see `chance`; and `per_class`, if there are
        classes.
        """


class Problem(abc.ABC):
    """One kind of problem: its labels, last layer, loss, metrics and predictions.

    Shapes are written for a batch: `[batch]` is one value for each example. The last layer's
    output, called `outputs` below, is whatever the kind's own `output_layers` returns.

    Attributes:
      ids: Unique ids of the classes, in the order of `names`; () where the names are unique.
      colours: RGB of the classes, in the order of `names`; () where they have none of their own.
      counts_labels: Whether classes are stored in the feature `label`, to be read and counted by
        `label_counts` before the training.
      whole_labels: Whether each example has one class, stored as its index; class weights need it.
      moves_with_image: Whether the label is a map uint8 `[height, width]` that augmentation must
        move as it moves the image.
      answers_probabilities: Whether the outputs are probabilities along their last axis, and not
        plain numbers.
      competing: Whether the probabilities of an example sum to 1; otherwise each is independent of
        the others.
      settles: Whether something is chosen after the training, by `settled`.
      output_rank: Dimensions of the outputs, the batch included.
      smooths_labels: Whether `loss` can smooth labels; a setting that it cannot use is refused.
      monitor_is_error: Whether a lower `monitor` is better.
      raw_label_type: Type of `raw_label` in a schema: `BYTES`, `INT` or `FLOAT`.
      measures: What its metrics mean, those of training and evaluation, overall and of a class; a
        metric that is missing is a fraction, the more the better.
      shown: Which metrics people see first.
    """

    ids: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    measures: ClassVar[Mapping[str, Measure]]
    shown: ClassVar[Shown]
    counts_labels: ClassVar[bool] = False
    whole_labels: ClassVar[bool] = False
    moves_with_image: ClassVar[bool] = False
    answers_probabilities: ClassVar[bool] = True
    competing: ClassVar[bool] = True
    settles: ClassVar[bool] = False
    output_rank: ClassVar[int] = 2
    smooths_labels: ClassVar[bool] = False
    monitor_is_error: ClassVar[bool] = False
    raw_label_type: ClassVar[str] = "BYTES"

    # What is learnt

    @property
    def title(self) -> str:
        """The kind's name, for messages."""
        return type(self).__name__

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; () if there are no classes.

        They are also () while the classes are to be taken from the data (`takes_classes`).
        """

    @property
    def predicted_number(self) -> str:
        """Name of the number that is predicted; "" where none is."""
        return ""

    @property
    def takes_classes(self) -> bool:
        """Whether the classes are still to be taken from the data, see `with_classes`."""
        return False

    def with_classes(self, classes: tuple[str, ...]) -> "Problem":
        """Returns the problem with the classes of the data, if it left them open.

        Args:
          classes: Their names, in the order that the outputs get.

        Raises:
          ValueError: If the kind refuses these classes.
        """
        del classes
        return self

    # The label, from the data to the raw Example

    def label_text(
        self, values: Sequence[str | bytes | int | float], names: tuple[str, ...] = ()
    ) -> str:
        """Returns a label of the data, checked, as one text.

        Equal labels have equal texts, by which copies of an image are compared.

        Args:
          values: A class folder's name or a cell of a CSV, as one text, or all values of a
            TFRecord's feature.
          names: The data's own names of its label numbers; () for `self.names`.

        Raises:
          LabelError: If the values are not a label of this problem.
        """
        del values, names
        raise LabelError(f"a {type(self).__name__} has no labels of text or numbers")

    def raw_labels(self, label: str) -> dict[str, list[bytes] | list[float]]:
        """Returns the features of the raw Example that hold `label`, a result of `label_text`."""
        raise NotImplementedError(f"{type(self).__name__} reads no labels. Received: {label!r}")

    def merged_label(self, labels: Iterable[str]) -> str | None:
        """Returns the label of an image whose copies are labelled differently.

        Args:
          labels: The different labels, results of `label_text`.

        Returns:
          None if they contradict each other; then all copies are rejected.
        """
        del labels
        return None

    def counted_as(self, label: str) -> tuple[str, ...]:
        """Returns the classes under which an example with `label` is counted."""
        del label
        return ()

    def read_mask(self, contents: bytes, *, size: tuple[int, int]) -> tuple[bytes, tuple[str, ...]]:
        """Returns the mask of an image as the raw Example holds it, and the classes in it.

        Args:
          contents: The encoded mask as found.
          size: (width, height) of its image, in pixels.

        Raises:
          LabelError: If the mask cannot be read or does not fit, or masks are no labels here.
        """
        del contents, size
        raise LabelError(f"a mask is no label of a {type(self).__name__}")

    # The label, from the raw Example to the loss

    @property
    @abc.abstractmethod
    def raw_label(self) -> str:
        """The feature of the raw Example that holds the true label; Evaluator reads it."""

    @property
    def label_values(self) -> tuple[str, ...]:
        """The values that the raw label may have, for the schema; () if they are not texts."""
        return ()

    @abc.abstractmethod
    def transformed_labels(self, inputs: dict[str, Any], given: Input) -> dict[str, Any]:
        """Returns the label features that Transform stores.

        Args:
          inputs: Raw features, each a tensor `[batch]`, or a `tf.SparseTensor` where the schema
            allows several values for an example.
          given: The task's input; only a kind with a label for each pixel reads it.

        Returns:
          Feature → tensor `[batch, …]`, of int64, float32 or string.
        """

    @abc.abstractmethod
    def label_spec(self, given: Input) -> dict[str, Any]:
        """Returns the spec with which `tf.io.parse_example` reads `transformed_labels` back."""

    @abc.abstractmethod
    def training_label(self, parsed: dict[str, Any], given: Input) -> Any:
        """Returns the label of one example for the loss.

        Args:
          parsed: The features of `label_spec`, of one example.
          given: As in `transformed_labels`.
        """

    def stored_label_text(self, features: Any) -> str:
        """Returns the label of one transformed example for people; "" if it is not a short text.

        Args:
          features: The `feature` map of the `tf.train.Example`.
        """
        del features
        return ""

    def statistics_spec(self) -> dict[str, Any]:
        """Returns the spec of features in which Transform stores statistics of the label.

        Each is one float32, the same in every example; {} where the kind needs none.
        """
        return {}

    def fitted(self, statistics: dict[str, float]) -> "Problem":
        """Returns the problem with statistics of the training split, as the network learns it.

        Trainer and Tuner call it once, before they build a network; the served model carries it.

        Args:
          statistics: Values of `statistics_spec`.

        Raises:
          BadInputError: If the data cannot be learnt in this form.
        """
        del statistics
        return self

    @abc.abstractmethod
    def label_bytes(self, given: Input) -> int:
        """Returns the size of one `training_label` in memory, in bytes."""

    def label_counts(self, labels: Any) -> Any:
        """Returns how many examples each class has, int64 `[classes]`.

        Args:
          labels: The stored feature `label` of all examples, NumPy int64 `[examples, …]`.

        Raises:
          LabelError: If some of them are no label of these classes.
        """
        raise NotImplementedError(f"{type(self).__name__} does not count labels: {labels!r}")

    # The network and its training

    @abc.abstractmethod
    def output_layers(self) -> list[Any]:
        """Returns the network's last layers, new ones, in order; float32 also in low precision."""

    @abc.abstractmethod
    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns the Keras loss of (`training_label`, outputs), batched.

        Args:
          label_smoothing: Fraction of the label that is spread over all classes, in [0, 1); kinds
            without class labels ignore it.
        """

    @abc.abstractmethod
    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`, named as in `measured`."""

    @property
    @abc.abstractmethod
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics, known without TensorFlow."""

    @property
    @abc.abstractmethod
    def monitor(self) -> str:
        """The main training metric, one of `measured`."""

    # After the training

    def settled(self, outputs: Any, labels: Any) -> tuple["Problem", dict[str, Any]]:
        """Returns the problem with what it chooses on the validation examples; see `settles`.

        The model is served, evaluated and stored with the problem that this returns.

        Args:
          outputs: The exported network's outputs for them, NumPy, `[examples, …]`.
          labels: Their `training_label`s, NumPy, `[examples, …]`.

        Returns:
          The problem, and what was chosen, as JSON for `history.json` (`settled`).
        """
        del outputs, labels
        return self, {}

    # What is served

    @abc.abstractmethod
    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: name → tensor `[batch, …]`, part of the SavedModel."""

    @property
    @abc.abstractmethod
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name of each part of `served` → dtype (`float32`, `string`, …) and shape of one."""

    @property
    def submission_fields(self) -> dict[str, str]:
        """Form of the prediction in a `Submission` → its field in `bulk_predict.outputs`."""
        return {"name": "label", "number": "index"}

    def further_signatures(self, outputs_of: Callable[[Any], Any]) -> dict[str, Any]:
        """Returns signatures of a SavedModel of images besides `serving_default` and `examples`.

        Args:
          outputs_of: Encoded images, a string tensor `[batch]` → `outputs`.

        Returns:
          Name → `tf.function` with an input signature.
        """
        del outputs_of
        return {}

    # How it is judged

    @abc.abstractmethod
    def tally(self, *, names: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Tally:
        """Returns an empty tally, which counts predictions and then says how good they are.

        Args:
          names: The classes of the model that predicts, where it knows others: an earlier model
            that the new one is compared with. () for `self.names`.
          only: Classes whose examples count, so that models of different classes are compared on
            what both know; () for all. Metrics that depend on the other classes are left out.
        """

    @abc.abstractmethod
    def truth(self, value: Any) -> Any:
        """Returns a raw label as the tally takes it.

        Args:
          value: `raw_label` of one raw Example, a NumPy array of one value.

        Raises:
          ValueError: If it is not one value.
        """

    @classmethod
    def of_metric(cls, name: str, config: dict[str, Any]) -> "Problem | None":
        """Returns the problem that a stored evaluation configuration means, if it is this kind's.

        Each kind once had a TFMA metric of its own; jobs that were compiled then still name it.

        Args:
          name: The metric's name.
          config: Its settings.
        """
        del name, config
        return None


def single_text(value: Any) -> str:
    """Returns a bytes feature of one value as text; a byte that is not UTF-8 shows as an escape.

    Raises:
      ValueError: If it is not one value.
    """
    values = np.asarray(value).ravel()
    if values.size != 1:
        raise ValueError(f"a label or id must be one value. Received: {values.size} values")
    item = values[0]
    return item.decode("utf-8", "backslashreplace") if isinstance(item, bytes) else str(item)
