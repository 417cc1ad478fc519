"""Columns of a table: rows of numbers in raw Examples, in requests and in the network."""

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.inputs import contract
from trainer_modules.engine.inputs.contract import Input, Statistics
from trainer_modules.engine.limits import check_distinct


@dataclass(frozen=True, kw_only=True)
class Columns(Input):
    """The columns of a table from which a model predicts: float32 `[columns]`.

    Attributes:
      names: The columns, in the order of the network's input.
      standardise: Standardise every column to mean 0 and standard deviation 1 with the training
        set's statistics.
      shown: Rows of numbers, in the order of `names`, whose predictions the report shows.
    """

    names: tuple[str, ...]
    standardise: bool = False
    shown: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("names must name at least one column. Received: ()")
        check_distinct("names", self.names)
        for row in self.shown:
            if len(row) != len(self.names):
                raise ValueError(
                    f"shown must contain rows of {len(self.names)} numbers, one for each of "
                    f"{', '.join(self.names)}. Received: {row}"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of columns."""
        return (len(self.names),)

    @property
    def dtype(self) -> str:
        """Numbers as Transform stores them."""
        return "float32"

    @property
    def standardises(self) -> bool:
        """Whether the first layer needs the training set's mean and deviation of each column."""
        return self.standardise

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns."""
        return self.names

    def images(self, needed_by: str) -> NoReturn:
        """Raises BadInputError: a row of numbers is no image."""
        raise BadInputError(
            f"input must be Images(…) for {needed_by}. Received: Columns(names={self.names!r})"
        )

    def transformed(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Returns each column, float32 `[batch]`, and where standardised the moments."""
        import tensorflow as tf

        stored = {name: tf.cast(raw[name], tf.float32) for name in self.names}
        if not self.standardise:
            return stored
        rows = self.network_inputs(stored)
        return stored | contract.moments(rows, rows**2)

    def stored_spec(self) -> dict[str, Any]:
        """Returns the spec of the columns."""
        return self.raw_spec()

    def stored_input(self, parsed: dict[str, Any]) -> Any:
        """Returns a row, float32 `[columns]`."""
        import tensorflow as tf

        return tf.stack([parsed[name] for name in self.names])

    @property
    def layer_name(self) -> str:
        """Name of the network's first layer."""
        return "features"

    def scaled(self, inputs: Any, statistics: Statistics | None) -> Any:
        """Returns the rows, standardised if set, float32 `[batch, columns]`."""
        return contract.standardised(inputs, statistics) if self.standardise else inputs

    @property
    def served(self) -> dict[str, str]:
        """Each column under its own name."""
        return {name: name for name in self.names}

    @property
    def served_dtype(self) -> str:
        """Numbers."""
        return "float32"

    @property
    def decodes(self) -> bool:
        """Numbers need no decoding."""
        return False

    def network_inputs(self, raw: dict[str, Any]) -> Any:
        """Returns float32 `[batch, columns]` of columns `[batch]`."""
        import tensorflow as tf

        return tf.stack([raw[name] for name in self.names], axis=1)

    def generated(self, count: int) -> dict[str, bytes]:
        """Returns rows of standard normal numbers."""
        import tensorflow as tf

        chosen: dict[str, bytes] = {}
        rows = np.random.default_rng(0).normal(size=(count, len(self.names)))
        for i, row in enumerate(rows):
            name = f"generated-{i}"
            feature = {
                column: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
                for column, value in zip(self.names, row, strict=True)
            }
            feature["id"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name.encode()]))
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            chosen[name] = example.SerializeToString()
        return chosen

    @property
    def pictured(self) -> bool:
        """There is nothing to see in a row of numbers."""
        return False
