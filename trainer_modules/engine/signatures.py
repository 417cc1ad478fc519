"""The names by which a served model is called."""

SERVING_DEFAULT = "serving_default"
"""The signature that servers call: encoded images or columns of numbers → predictions."""

EXAMPLES = "examples"
"""The signature that Evaluator calls: serialized raw tf.Examples → the same predictions."""

IMAGE_INPUT = "image_bytes"
"""The input of `SERVING_DEFAULT` that takes encoded images."""
