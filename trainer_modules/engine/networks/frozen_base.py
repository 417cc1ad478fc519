"""A SavedModel folder as a backbone: it computes image features and is never trained."""

from collections.abc import Callable
from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import loading
from trainer_modules.engine.signatures import SERVING_DEFAULT


def load(path: str, *, name: str) -> Any:
    """Returns a layer that computes features with the SavedModel in `path`.

    Args:
      path: Its folder.
      name: The network that it stands for; names the layer.

    Raises:
      BadInputError: If it cannot be loaded, or called with one batch of images.
    """
    import tensorflow as tf
    import tf_keras

    loaded = loading.load(path)

    class FrozenSavedModel(tf_keras.layers.Layer):
        """Calls the loaded object; its variables count as frozen weights of the layer."""

        always_frozen = True

        def __init__(self) -> None:
            super().__init__(trainable=False, name=f"{name.lower()}_saved_model")
            self._loaded = loaded
            variables = getattr(loaded, "variables", None) or ()
            self._non_trainable_weights.extend(variables)

        def copied(self, copy: Callable[[Any], Any]) -> Any:
            """Returns the layer, loaded again; its weights may have been set since."""
            del copy
            return load(path, name=name)

        def call(self, inputs: Any) -> Any:
            try:
                outputs = self._features(tf.cast(inputs, tf.float32))
            except (ValueError, TypeError) as e:
                raise BadInputError(
                    f"the SavedModel in {path} does not accept images of shape "
                    f"{tuple(inputs.shape)}: {e}"
                ) from e
            if isinstance(outputs, dict):
                if len(outputs) != 1:
                    raise BadInputError(
                        f"the SavedModel in {path} must have one output. "
                        f"Received: {', '.join(sorted(outputs))}"
                    )
                outputs = next(iter(outputs.values()))
            return tf.stop_gradient(outputs)

        def _features(self, images: Any) -> Any:
            if callable(self._loaded):
                return self._loaded(images, training=False)
            signature = self._loaded.signatures.get(SERVING_DEFAULT)
            inputs = signature and signature.structured_input_signature[1]
            if not inputs or len(inputs) != 1:
                raise BadInputError(
                    f"the SavedModel in {path} must be callable, or have a serving_default "
                    f"signature with one input. Received: {inputs or 'no such signature'}"
                )
            return signature(**{next(iter(inputs)): images})

    return FrozenSavedModel()
