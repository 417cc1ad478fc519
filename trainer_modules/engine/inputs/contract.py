"""The contract of an input, which `Images` and `Columns` fulfil.

An input is apart from the problem: any problem may be learnt from images, as far as it makes sense.
It owns the way of an example's features from the raw Example to the network and to the signatures
that are served. No code outside this folder asks which input a task has.

    raw Example ─ transformed ─→ stored Example ─ stored_input ─→ network ─→ problem
    raw Example, request ─────────── network_inputs ────────────────┘
"""

import abc
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images.pixels import Pixels
from trainer_modules.engine.signatures import EXAMPLES, SERVING_DEFAULT

Statistics = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation per channel or column, in the units of the input."""

MEAN, DEVIATION = "mean", "deviation"
"""Transformed features with `Statistics`, the same in every example of a task that standardises."""


class Input(abc.ABC):
    """What a model is given of each example."""

    # The form of the features.

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one example in the network; the last axis holds the channels or columns."""

    @property
    @abc.abstractmethod
    def dtype(self) -> str:
        """Type of the network's input."""

    @property
    @abc.abstractmethod
    def standardises(self) -> bool:
        """Whether the network's input needs the training set's `Statistics`."""

    @property
    def values(self) -> int:
        """Numbers in one example."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of one decoded example."""
        return self.values * np.dtype(self.dtype).itemsize

    @property
    @abc.abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns to read from a table; () where examples are images."""

    @abc.abstractmethod
    def images(self, needed_by: str) -> Pixels:
        """Returns the form of the images.

        Args:
          needed_by: What cannot do without images, for the message.

        Raises:
          BadInputError: If examples are not images.
        """

    # From raw Examples to stored ones and back.

    @abc.abstractmethod
    def transformed(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Returns the features to store, for Transform.

        Args:
          raw: Raw features by name, tensors `[batch]`.

        Returns:
          Tensors `[batch]`; where the input standardises also `mean` and `deviation`, float32
          `[batch, channels or columns]`.
        """

    @abc.abstractmethod
    def stored_spec(self) -> dict[str, Any]:
        """Returns the parsing spec of the stored features."""

    @abc.abstractmethod
    def stored_input(self, parsed: dict[str, Any]) -> Any:
        """Returns the network's input, `shape`, of one parsed stored Example."""

    # The network.

    @property
    @abc.abstractmethod
    def layer_name(self) -> str:
        """Name of the network's first layer."""

    def input_layer(self) -> Any:
        """Returns the network's first layer, a symbolic tensor `[batch, *shape]`."""
        import tf_keras

        return tf_keras.Input(self.shape, dtype=self.dtype, name=self.layer_name)

    def tensor_spec(self) -> Any:
        """Returns the spec of a batch of the network's inputs."""
        import tensorflow as tf

        return tf.TensorSpec([None, *self.shape], self.dtype)

    @abc.abstractmethod
    def scaled(self, inputs: Any, statistics: Statistics | None) -> Any:
        """Returns what a plain stack of layers sees of `inputs`, float32 `[batch, *shape]`.

        Args:
          inputs: The first layer's output.
          statistics: Needed where the input standardises.

        Raises:
          BadInputError: If they are missing, or a channel or column does not vary.
        """

    # Serving.

    @property
    @abc.abstractmethod
    def served(self) -> dict[str, str]:
        """Names of the inputs of `serving_default` → their raw features."""

    @property
    @abc.abstractmethod
    def served_dtype(self) -> str:
        """Type of these inputs; each is one value for each example."""

    @property
    @abc.abstractmethod
    def decodes(self) -> bool:
        """Whether the model decodes its input, and so must refuse what cannot be decoded."""

    @abc.abstractmethod
    def network_inputs(self, raw: dict[str, Any]) -> Any:
        """Returns the network's inputs `[batch, *shape]` of raw features `[batch]`."""

    def raw_spec(self) -> dict[str, Any]:
        """Returns the parsing spec of the raw features that a prediction needs."""
        import tensorflow as tf

        dtype = tf.as_dtype(self.served_dtype)
        return {name: tf.io.FixedLenFeature([], dtype) for name in self.served.values()}

    def signatures(self, predict: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Returns the signatures `serving_default` and `examples`.

        Args:
          predict: From the network's inputs to a prediction as served.
        """
        import tensorflow as tf

        specs = {name: tf.TensorSpec([None], self.served_dtype, name=name) for name in self.served}

        @tf.function
        def serve(**given: Any) -> dict[str, Any]:
            return predict(self.network_inputs({self.served[name]: given[name] for name in given}))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve_examples(examples: Any) -> dict[str, Any]:
            return predict(self.network_inputs(tf.io.parse_example(examples, self.raw_spec())))

        return {
            SERVING_DEFAULT: serve.get_concrete_function(**specs),
            EXAMPLES: serve_examples,
        }

    @abc.abstractmethod
    def generated(self, count: int) -> dict[str, bytes]:
        """Returns id → serialized raw Example of `count` examples without data, deterministic."""

    # The report.

    @property
    @abc.abstractmethod
    def pictured(self) -> bool:
        """Whether there is something to see: each Example has an encoded image."""

    @property
    @abc.abstractmethod
    def shown(self) -> tuple[tuple[float, ...], ...]:
        """Rows whose predictions the report shows besides those of the data."""


def standardised(inputs: Any, statistics: Statistics | None) -> Any:
    """Returns `inputs` minus the mean, over the deviation, float32 `[batch, …, channels]`.

    Raises:
      BadInputError: If there are no statistics, or something does not vary.
    """
    from tf_keras import layers

    if statistics is None:
        raise BadInputError(
            "the input is standardised, but the mean and standard deviation of the training set "
            "are missing from the transformed examples."
        )
    mean, deviation = (np.atleast_1d(np.asarray(s, np.float64)) for s in statistics)
    if not (deviation > 0).all():
        raise BadInputError(
            "every channel (or column) must vary to be standardised. Received standard "
            f"deviations: {deviation.tolist()}"
        )
    scale, offset = (1 / deviation).tolist(), (-mean / deviation).tolist()
    return layers.Rescaling(scale, offset, dtype="float32", name="scaling")(inputs)


def moments(values: Any, squares: Any) -> dict[str, Any]:
    """Returns the training set's mean and deviation, repeated for each example of the batch.

    Args:
      values: float32 `[batch, channels]`.
      squares: Their squares, or the means of squares that belong to them.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    mean = tft.mean(values, reduce_instance_dims=False)
    # Within float32 the difference is good to about a thousandth of the mean's square.
    variance = tft.mean(squares, reduce_instance_dims=False) - mean**2
    deviation = tf.sqrt(tf.maximum(variance, 0.0))
    count = tf.shape(values)[0]
    return {
        MEAN: tf.tile(mean[tf.newaxis], (count, 1)),
        DEVIATION: tf.tile(deviation[tf.newaxis], (count, 1)),
    }
