"""What a trained network sees in an image: the inputs of its last layer, or its outputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainer_modules.engine.images.preprocessing import load_images
from trainer_modules.engine.saved_model import read
from trainer_modules.engine.saved_model.read import SavedModel

_LAYERS = ("MatMul", "BatchMatMulV2", "Conv2D", "Einsum")
"""Operations with weights; the last of them is the last layer."""


class Features:
    """The features of a SavedModel of this project.

    Attributes:
      of_last_layer: Whether these are the inputs of the last layer; otherwise its outputs.
    """

    def __init__(self, folder: str) -> None:
        """Loads the SavedModel in `folder`.

        Raises:
          BadInputError: If it cannot be loaded, has no network, or does not take images.
        """
        import tensorflow as tf

        # It keeps the variables alive.
        self._model = SavedModel(folder)
        recipe = read.task(folder)
        network = self._model.network.concrete_functions[0]
        tensor = _last_layer_input(network.graph.outputs[0])
        self.of_last_layer = tensor is not None
        wanted = network.graph.outputs[0] if tensor is None else tensor
        images = recipe.input.images("features") if recipe else None
        if images is None:
            from trainer_modules.engine.errors import BadInputError

            raise BadInputError(f"the SavedModel in {folder} does not say what images it takes.")
        graph = network.graph.as_graph_def()
        inputs = [placeholder.name for placeholder in network.graph.inputs]

        def compute(contents: tf.Tensor) -> tf.Tensor:
            # What the network captured becomes part of this graph as well.
            captured = map(tf.identity, network.captured_inputs)
            given = [load_images(contents, images), *captured]
            (features,) = tf.graph_util.import_graph_def(
                graph,
                input_map=dict(zip(inputs, given, strict=True)),
                return_elements=[wanted.name],
            )
            between = list(range(1, features.shape.rank - 1))
            return tf.cast(tf.reduce_mean(features, between) if between else features, tf.float32)

        signature = [tf.TensorSpec([None], tf.string)]
        self._compute = tf.function(compute, input_signature=signature, autograph=False)

    def of(self, images: Sequence[bytes]) -> np.ndarray:
        """Returns the features of encoded images, float32 `[images, features]`.

        Maps of features are averaged over the image.

        Raises:
          tf.errors.OpError: If one cannot be decoded.
        """
        features: np.ndarray = self._compute(list(images)).numpy()
        return features


def _last_layer_input(output: Any) -> Any:
    """Returns the tensor that the last operation with weights receives; None if there is none.

    Args:
      output: A symbolic tensor, the network's output.
    """
    queue, seen = [output], set()
    while queue:
        tensor = queue.pop(0)
        if tensor.op.name in seen:
            continue
        seen.add(tensor.op.name)
        if tensor.op.type in _LAYERS:
            return tensor.op.inputs[0]
        queue.extend(tensor.op.inputs)
    return None
