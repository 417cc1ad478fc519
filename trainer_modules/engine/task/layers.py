"""Layers of a network as plain data, so that a recipe is readable and `--set` can change it.

Each class names one Keras layer with the arguments that the recipes use; anything not listed has
Keras' default. `build` imports Keras only when called.
"""

from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.limits import check_number


@dataclass(frozen=True)
class Dense:
    """A fully connected layer.

    Attributes:
      units: Number of outputs.
      activation: Name of a Keras activation.
    """

    units: int
    activation: str = "linear"

    def __post_init__(self) -> None:
        check_number("units", self.units, least=1)

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.Dense(self.units, activation=self.activation, name=name)


@dataclass(frozen=True)
class Conv:
    """A square 2-D convolution.

    Attributes:
      filters: Channels of its output.
      size: Side of the kernel, in pixels.
      activation: Name of a Keras activation.
      padding: `valid` (no border) or `same` (zeros around the image).
    """

    filters: int
    size: int = 3
    activation: str = "relu"
    padding: str = "valid"

    def __post_init__(self) -> None:
        check_number("filters", self.filters, least=1)
        check_number("size", self.size, least=1)
        if self.padding not in ("valid", "same"):
            raise ValueError(f"padding must be one of valid, same. Received: {self.padding!r}")

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.Conv2D(
            self.filters, self.size, padding=self.padding, activation=self.activation, name=name
        )


@dataclass(frozen=True)
class MaxPool:
    """Max pooling over squares of pixels.

    Attributes:
      size: Side of the square, and the step, in pixels.
    """

    size: int = 2

    def __post_init__(self) -> None:
        check_number("size", self.size, least=1)

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.MaxPooling2D(self.size, name=name)


@dataclass(frozen=True)
class GlobalAveragePool:
    """Mean over height and width."""

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.GlobalAveragePooling2D(name=name)


@dataclass(frozen=True)
class Flatten:
    """All features of an image as one vector."""

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.Flatten(name=name)


@dataclass(frozen=True)
class Dropout:
    """Drops a fraction of the inputs, in training only.

    Attributes:
      rate: The fraction, in [0, 1).
    """

    rate: float

    def __post_init__(self) -> None:
        check_number("rate", self.rate, least=0, below=1)

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.Dropout(self.rate, name=name)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation with Keras' defaults, over the global batch where it is spread.

    Attributes:
      momentum: Fraction of the moving mean and variance that a step keeps, in [0, 1).
      renorm: Normalise by the moving figures in training too, corrected within bounds (Ioffe,
        "Batch Renormalization", 2017).
    """

    momentum: float = 0.99
    renorm: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1). Received: {self.momentum}")

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        import tensorflow as tf
        from tf_keras import layers

        # Only where needed: the synchronised form has no fused kernel.
        spread = tf.distribute.get_strategy().num_replicas_in_sync > 1
        return layers.BatchNormalization(
            momentum=self.momentum, renorm=self.renorm, synchronized=spread, name=name
        )


@dataclass(frozen=True)
class Rescale:
    """Multiplies, in float32.

    Attributes:
      scale: The factor.
    """

    scale: float

    def build(self, name: str | None = None) -> Any:
        """Returns the `tf_keras` layer."""
        from tf_keras import layers

        return layers.Rescaling(self.scale, dtype="float32", name=name)


Layer = Dense | Conv | MaxPool | GlobalAveragePool | Flatten | Dropout | BatchNorm | Rescale
