"""Reference tasks, one module file each, over the engine that they share.

This is the one place that chooses Keras 2 (`tf_keras`), which TFX, TFMA and tf.distribute
support; it has to be said before TensorFlow is imported.
"""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
