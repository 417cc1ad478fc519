"""Reference tasks, one module each, on top of a shared engine.

This is the one place that chooses Keras 2 (`tf_keras`), which TFX, TFMA and tf.distribute
support; it must be set before TensorFlow is imported.
"""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
