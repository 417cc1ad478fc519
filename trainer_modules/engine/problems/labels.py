"""The part of a problem's contract that is about its labels: from the data to the loss.

TensorFlow is imported inside the methods that need it, because ExampleGen's launcher reads tasks
without it.
"""

import abc
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from trainer_modules.engine.inputs.contract import Input


class LabelError(ValueError):
    """Why a value of the data is not a label, as text that follows the example's name."""


class Labels(abc.ABC):
    """The labels of one kind of problem, see `contract.Problem`.

    Attributes:
      counts_labels: Whether classes are stored in the feature `label`, to be read and counted by
        `label_counts` before the training.
      whole_labels: Whether each example has one class, stored as its index; class weights need it.
      moves_with_image: Whether the label is a map uint8 `[height, width]` that augmentation must
        move as it moves the image.
      raw_label_type: Type of `raw_label` in a schema: `BYTES`, `INT` or `FLOAT`.
    """

    counts_labels: ClassVar[bool] = False
    whole_labels: ClassVar[bool] = False
    moves_with_image: ClassVar[bool] = False
    raw_label_type: ClassVar[str] = "BYTES"

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
