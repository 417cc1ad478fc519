"""A SavedModel adapter for TFMA that avoids a detour slower than the model itself.

TFMA passes the examples to a signature as a positional argument. TensorFlow then formats the whole
batch, including the images, into an error message before it tries another calling convention: 25 ms
for a 200 kB image. A keyword argument is accepted immediately.
"""

from functools import partial
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.api import types

from trainer_modules.engine.saved_model.read import SavedModel


class ByKeyword:
    """A signature with one input that is called with a positional argument.

    Attributes:
      structured_input_signature: The signature's own, where TFMA looks up its input.
    """

    def __init__(self, signature: Any) -> None:
        self._signature = signature
        self.structured_input_signature = signature.structured_input_signature
        (self._input,) = self.structured_input_signature[1]

    def __call__(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the prediction of serialized Examples, string `[batch]`."""
        outputs: dict[str, tf.Tensor] = self._signature(**{self._input: examples})
        return outputs


class OneSignature:
    """A loaded model that offers one of its signatures."""

    def __init__(self, folder: str, signature: str) -> None:
        self._model = SavedModel(folder)
        self.signatures = {signature: ByKeyword(self._model.signatures[signature])}


def shared_model(folder: str, spec: tfma.ModelSpec, config: tfma.EvalConfig) -> Any:
    """Returns TFMA's handle on a SavedModel, loaded once for each worker.

    Args:
      folder: The SavedModel.
      spec: Gives its name and its signature.
      config: The configuration that holds `spec`.
    """
    return tfma.default_eval_shared_model(
        eval_saved_model_path=folder,
        model_name=spec.name,
        eval_config=config,
        custom_model_loader=types.ModelLoader(
            partial(OneSignature, folder, spec.signature_name), tags=[tf.saved_model.SERVING]
        ),
    )
