"""The weights of a SavedModel as one number: equal for models that are equal bit by bit."""

import hashlib
import posixpath

# Not weights: the structure of the stored object, and how often it was stored.
_OTHER = ("_CHECKPOINTABLE_OBJECT_GRAPH", "save_counter/.ATTRIBUTES/VARIABLE_VALUE")


def weights_digest(model: str) -> str:
    """Returns a SHA-256 over the names, types, shapes and bytes of a SavedModel's variables.

    Two exports of the same weights have the same digest, although TensorFlow gives every export a
    fingerprint of its own.

    Args:
      model: Folder of the SavedModel.
    """
    import tensorflow as tf

    stored = tf.train.load_checkpoint(posixpath.join(model, "variables", "variables"))
    digest = hashlib.sha256()
    for name, shape in sorted(stored.get_variable_to_shape_map().items()):
        if name in _OTHER:
            continue
        value = stored.get_tensor(name)
        digest.update(f"{name} {value.dtype} {shape}\n".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
