"""A task's network as a `tf_keras` model: uint8 images in, probabilities out.

Casting and scaling are the first layers. Augmentation is not part of it: training wraps the model,
and the saved model never contains it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images.pixels import Pixels
from trainer_modules.engine.inputs.contract import Statistics
from trainer_modules.engine.networks import backbones, decoder, saved_network
from trainer_modules.engine.task.layers import Layer
from trainer_modules.engine.task.task import (
    Backbone,
    EncoderDecoder,
    Everything,
    HeadOnly,
    Last,
    Model,
    Network,
    Phase,
    Recipe,
    SavedNetwork,
)


@dataclass(frozen=True)
class Built:
    """A model and the part of it that a phase may freeze.

    Attributes:
      model: uint8 `[batch, height, width, channels]` (tables: float32 `[batch, features]`) →
        outputs.
      base: The backbone inside `model`, or None.
      runner: The layer of `model` that calls the base, or an encoder of its layers; or None.
      pretrained: Whether the base came with learnt weights.
    """

    model: Any
    base: Any | None
    runner: Any
    pretrained: bool

    @property
    def trainable_count(self) -> int:
        """Numbers that the optimiser may change."""
        return count(self.model.trainable_weights)

    @property
    def frozen_count(self) -> int:
        """Numbers that it may not: frozen layers and moving averages."""
        return count(self.model.non_trainable_weights)


def count(weights: list[Any]) -> int:
    """Returns the number of values in `weights`."""
    import math

    return sum(math.prod(w.shape) for w in weights)


def build(task: Recipe, statistics: Statistics | None = None) -> Built:
    """Returns the model of `task`, initialised from Keras' random state.

    Args:
      task: The task.
      statistics: Mean and deviation, needed where the input standardises.

    Raises:
      BadInputError: If the network and the images do not fit, or weights are missing.
    """
    import tf_keras

    inputs = task.input.input_layer()
    if isinstance(task.model, Network):
        outputs = _stack(task.input.scaled(inputs, statistics), task.model, task)
        return _assemble(inputs, outputs, None, task)
    if isinstance(task.model, SavedNetwork):
        scaled = task.input.scaled(inputs, statistics)
        outputs = saved_network.build(scaled, task.model, classes=len(task.problem.names))
        return _assemble(inputs, outputs, None, task)
    image = task.input.images(task.model.name)
    rgb = inputs if image.channels == 3 else tf_keras.layers.Concatenate(name="rgb")([inputs] * 3)
    if isinstance(task.model, EncoderDecoder):
        base = _base(task.model, image, include_top=False)
        runner = _runner(decoder.encoder_of(base, task.model, image))
        features = decoder.build(_prepared(rgb, task.model), runner, task.model)
        return _assemble(inputs, _finish(features, task), base, task, runner)
    base = _base(task.model, image, include_top=task.model.include_top)
    runner = _runner(base)
    stem = _applied(rgb, task.model.stem, prefix="stem_")
    features = runner(_prepared(stem, task.model))
    if task.model.include_top:
        if task.model.head:
            raise BadInputError(
                "model.include_top keeps the published classifier: head must be ()."
            )
        outputs = tf_keras.layers.Activation("linear", dtype="float32", name="probabilities")(
            features
        )
        return _assemble(inputs, outputs, base, task, runner)
    return _assemble(inputs, _stack(features, task.model, task), base, task, runner)


def _prepared(rgb: Any, model: Backbone | EncoderDecoder) -> Any:
    return backbones.scaled(rgb, model.name, model.scaling)


def _base(model: Backbone | EncoderDecoder, image: Pixels, *, include_top: bool) -> Any:
    base = backbones.build(
        model.name,
        height=image.height,
        width=image.width,
        weights=model.weights,
        alpha=model.alpha,
        include_top=include_top,
    )
    if model.batch_norm_momentum is not None:
        backbones.set_batch_norm_momentum(base, model.batch_norm_momentum)
    return base


def _assemble(inputs: Any, outputs: Any, base: Any, task: Recipe, runner: Any = None) -> Built:
    import tf_keras

    model = tf_keras.Model(inputs, outputs, name=task.name)
    pretrained = base is not None and task.model.weights != "none"  # type: ignore[union-attr]
    return Built(model=model, base=base, runner=runner, pretrained=pretrained)


def _stack(features: Any, model: Model, task: Recipe) -> Any:
    own = model.layers if isinstance(model, Network) else getattr(model, "head", ())
    return _finish(_applied(features, own), task)


def _applied(features: Any, own: Sequence[Layer], prefix: str = "") -> Any:
    for i, layer in enumerate(own):
        try:
            features = layer.build(f"{prefix}{type(layer).__name__.lower()}_{i}")(features)
        except ValueError as e:
            raise BadInputError(
                f"layer {i} ({layer}) does not fit the preceding output, of shape "
                f"{tuple(features.shape)}: {e}"
            ) from e
    return features


def _finish(features: Any, task: Recipe) -> Any:
    for layer in task.problem.output_layers():
        features = layer(features)
    return features


def set_trainable(built: Built, phase: Phase) -> None:
    """Freezes and unfreezes layers for `phase`; the head is always trainable.

    A frozen BatchNormalization also runs in inference mode (Keras' rule for that layer). With
    random weights in the base there are no statistics to keep, so `freeze_batch_norm` is then
    ignored.

    Raises:
      BadInputError: If `phase` names layers that do not exist.
    """
    from tf_keras import layers

    built.model.trainable = True
    if built.base is None:
        if not isinstance(phase.trainable, Everything):
            raise BadInputError(
                f"trainable must be Everything() for a network without a backbone. "
                f"Received: {phase.trainable}"
            )
        return
    base = built.base
    if getattr(base, "always_frozen", False) and not isinstance(phase.trainable, HeadOnly):
        raise BadInputError(
            "a SavedModel folder can only be used as a frozen base: trainable must be "
            f"HeadOnly(). Received: {phase.trainable}"
        )
    frozen = isinstance(phase.trainable, HeadOnly)
    built.runner.inference = frozen
    if frozen:
        base.trainable = False
        return
    if isinstance(phase.trainable, Last):
        count = phase.trainable.layers
        if count > len(base.layers):
            raise BadInputError(
                f"Last must name at most the {len(base.layers)} layers of {base.name}. "
                f"Received: {count}"
            )
        for layer in base.layers[:-count]:
            layer.trainable = False
    if phase.freeze_batch_norm and built.pretrained:
        for layer in base.submodules:
            if isinstance(layer, layers.BatchNormalization):
                layer.trainable = False


def _runner(network: Any) -> Any:
    """Returns a layer that calls `network`, in inference mode where its `inference` is set.

    Keras ties BatchNormalization alone to `trainable`; the dropout of a frozen base would stay
    active and add noise to the head's input.
    """
    import tf_keras

    # A Model, as a mere Layer would list its weights in an order that follows `trainable`.
    class Runner(tf_keras.Model):
        """Runs the base."""

        def __init__(self) -> None:
            super().__init__(name=network.name)
            self.network = network
            self.inference = False

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.network(inputs, training=False if self.inference else training)

        def copied(self, copy: Callable[[Any], Any]) -> Any:
            return _runner(copy(self.network))

    return Runner()
