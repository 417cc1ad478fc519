"""The names of what a SavedModel of this project contains, for its writer and its reader."""

GRAPH_FILE = "saved_model.pb"

TASK_ASSET = "task.json"
CLASSES_ASSET = "classes.txt"
CLASS_IDS_ASSET = "class_ids.txt"

SERVING_DEFAULT = "serving_default"
"""The signature that servers call: encoded images or columns of numbers → predictions."""

EXAMPLES = "examples"
"""The signature that Evaluator calls: serialized raw tf.Examples → the same predictions."""

IMAGE_INPUT = "image_bytes"
"""The input of `SERVING_DEFAULT` that takes encoded images."""
