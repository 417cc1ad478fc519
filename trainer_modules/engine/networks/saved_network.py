"""A complete third-party network in a SavedModel, served unchanged.

The published CamVid system is one: an HRNet that takes images of 0..1 and returns 33 maps, a
background and CamVid's 32 classes. It is called in the way that it supports: as a function, by its
signature `serving_default`, or by its function `predict`, as TensorFlow Hub's HRNets are.
"""

from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import loading
from trainer_modules.engine.signatures import SERVING_DEFAULT
from trainer_modules.engine.task.saved_network import LOGITS, PROBABILITIES, SavedNetwork

# How far probabilities may be from summing to 1, for a network in half precision.
_TOLERANCE = 1e-2


def check(model: SavedNetwork, *, task: str, trained: bool) -> None:
    """Checks, before any data is read, that there is a network and no training phase.

    Args:
      model: The network.
      task: The task's name, for the message.
      trained: Whether the task has phases.

    Raises:
      BadInputError: If there is no SavedModel, or the task would train it.
    """
    from trainer_modules.engine.networks import weights

    if trained:
        raise BadInputError(
            f"task '{task}' uses a SavedModel as its whole network, which cannot be trained: "
            "phases must be ()."
        )
    if not weights.is_saved_model(model.weights):
        raise BadInputError(
            f"task '{task}' uses a SavedModel as its whole network: --weights must be a folder "
            f"with a saved_model.pb. Received: {model.weights}"
        )


def build(images: Any, model: SavedNetwork, *, classes: int) -> Any:
    """Returns probabilities, float32 `[batch, classes]` or `[batch, height, width, classes]`.

    Args:
      images: What the network takes, float32 `[batch, height, width, 3]`.
      model: The network.
      classes: How many classes the problem has.

    Raises:
      BadInputError: If the SavedModel cannot be loaded or called, or returns other outputs.
    """
    import tf_keras

    network = _layer(model.weights)
    size = tuple(images.shape[1:3])
    dropped = _dropped(network, model, size, classes)

    class ClassMaps(tf_keras.layers.Layer):
        """Drops the background, normalises the rest to a sum of 1, and resizes it to the images."""

        def call(self, outputs: Any) -> Any:
            import tensorflow as tf

            kept = tf.cast(outputs, tf.float32)[..., dropped:]
            if model.outputs == LOGITS:
                kept = tf.nn.softmax(kept)
            else:
                kept = tf.math.divide_no_nan(kept, tf.reduce_sum(kept, axis=-1, keepdims=True))
            if kept.shape.rank == 2:
                return tf.ensure_shape(kept, (None, classes))
            return tf.ensure_shape(tf.image.resize(kept, size), (None, *size, classes))

    return ClassMaps(dtype="float32", name="probabilities")(network(images))


def _layer(path: str) -> Any:
    """Returns a layer that calls the SavedModel in `path`; its variables are frozen weights.

    Raises:
      BadInputError: If it cannot be loaded.
    """
    import tensorflow as tf
    import tf_keras

    loaded = loading.load(path)

    class Called(tf_keras.layers.Layer):
        """Calls the loaded object."""

        def __init__(self) -> None:
            super().__init__(trainable=False, dtype="float32", name="network")
            self._loaded = loaded
            parts = tf.train.TrackableView(loaded).descendants()
            self._non_trainable_weights.extend(x for x in parts if isinstance(x, tf.Variable))

        def call(self, inputs: Any) -> Any:
            try:
                outputs = answered(self._loaded, inputs)
            except (ValueError, TypeError, LookupError) as e:
                raise BadInputError(
                    f"the SavedModel in {path} does not accept images of shape "
                    f"{tuple(inputs.shape)}: {str(e).strip().splitlines()[0]}"
                ) from e
            return tf.stop_gradient(outputs)

    return Called()


def answered(loaded: Any, images: Any) -> Any:
    """Returns the outputs of a loaded SavedModel for images, with whichever call it supports.

    Raises:
      LookupError: If it supports none of these calls, or returns more than one value.
      TypeError: If it takes other arguments.
      ValueError: Likewise.
    """
    signature = getattr(loaded, "signatures", {}).get(SERVING_DEFAULT)
    if callable(loaded):
        try:
            outputs = loaded(images, training=False)
        except (TypeError, ValueError):
            # Keras' exports take `training`; a plain function of images does not.
            outputs = loaded(images)
    elif signature is not None:
        (name,) = signature.structured_input_signature[1]
        outputs = signature(**{name: images})
    elif callable(predict := getattr(loaded, "predict", None)):
        outputs = predict(images)
    else:
        raise LookupError(
            "it is not callable, and has neither a signature serving_default nor a function predict"
        )
    if not isinstance(outputs, dict):
        return outputs
    if len(outputs) != 1:
        raise LookupError(f"it must have one output. Received: {', '.join(sorted(outputs))}")
    return next(iter(outputs.values()))


def _dropped(network: Any, model: SavedNetwork, size: tuple[int, int], classes: int) -> int:
    """Returns the number of leading channels to drop, from the shape of one output.

    Raises:
      BadInputError: If the output has other channels, or is not of the kind `answers`.
    """
    import numpy as np

    noise = np.random.default_rng(0).uniform(0, 1, (1, *size, 3)).astype(np.float32)
    answer = np.asarray(network(noise), np.float64)
    dropped = answer.shape[-1] - classes
    if answer.ndim not in (2, 4) or dropped not in (0, 1):
        raise BadInputError(
            f"the SavedModel in {model.weights} must return {classes} classes, or {classes + 1} "
            f"with a background first. Received values of shape {answer.shape}."
        )
    sums = answer.sum(axis=-1)
    adds_up = bool(answer.min() >= -_TOLERANCE and abs(sums - 1).max() <= _TOLERANCE)
    if adds_up != (model.outputs == PROBABILITIES):
        other = PROBABILITIES if adds_up else LOGITS
        raise BadInputError(
            f"the outputs of the SavedModel in {model.weights} "
            f"{'sum' if adds_up else 'do not sum'} to 1, so they are {other}. Pass --set "
            f"model.outputs={other}. Received: {model.outputs}"
        )
    return dropped
