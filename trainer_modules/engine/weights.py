"""Learnt weights for a backbone: from Keras' own store, from a file, or from a SavedModel.

| `weights` | what happens |
|---|---|
| `imagenet` | Keras downloads the published file once into its cache (`$KERAS_HOME`, `~/.keras`) |
| `*.h5` | weights of the same network, as `save_weights` or `keras.applications` write them |
| `*.weights.h5` | the same in the format of Keras 3 |
| `*.keras` | a whole model of the same network; its weights are taken |
| a folder with `saved_model.pb` | the base itself, frozen: image features as it computes them |
"""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from trainer_modules.engine.errors import BadInputError


def download(construct: Callable[[], Any], name: str) -> Any:
    """Returns `construct()`, which asks Keras for published weights.

    Raises:
      BadInputError: If the file is neither cached nor reachable; it says where to put it.
    """
    wanted: list[tuple[str, str]] = []
    try:
        with _watched_downloads(wanted):
            return construct()
    except BadInputError:
        raise
    except Exception as e:
        # Keras raises a bare Exception when a download fails.
        if not wanted:
            raise
        path, origin = wanted[-1]
        raise BadInputError(
            f"the published weights of {name} are not in the cache and could not be downloaded "
            f"({e}). Put the file of {origin} at {path}, pass a file with --weights PATH, or "
            "start from random weights with --weights none."
        ) from e


@contextlib.contextmanager
def _watched_downloads(wanted: list[tuple[str, str]]) -> Iterator[None]:
    """Notes which file Keras asks for, and makes it honour KERAS_HOME, which `get_file` ignores."""
    from tf_keras.src.utils import data_utils

    original = data_utils.get_file
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")

    def get_file(fname: str, origin: str, **settings: Any) -> str:
        path = os.path.join(home, settings.get("cache_subdir", "datasets"), fname)
        wanted.append((path, origin))
        # A read-only cache is fine as long as it has the file.
        if os.path.exists(path) and not os.access(home, os.W_OK):
            return path
        os.makedirs(home, exist_ok=True)
        return original(fname, origin, **{**settings, "cache_dir": home})

    data_utils.get_file = get_file
    try:
        yield
    finally:
        data_utils.get_file = original


def load(base: Any, path: str, *, name: str) -> None:
    """Loads the weights in the file `path` into `base`.

    Raises:
      BadInputError: If the file is missing, of no known format, or of another network.
    """
    import numpy as np
    import tensorflow as tf

    if not tf.io.gfile.exists(path):
        raise BadInputError(
            f"there is no weights file {path}. --weights takes imagenet, none, or the path of a "
            ".h5, .weights.h5 or .keras file, or of a SavedModel folder."
        )
    if not path.endswith((".h5", ".hdf5", ".keras")):
        raise BadInputError(
            "--weights takes a .h5, .weights.h5 or .keras file, or a SavedModel folder (one with "
            f"saved_model.pb in it). Received: {path}"
        )
    # Formats of Keras 3 skip what they do not find; what was skipped stays NaN and is noticed.
    before = base.get_weights()
    base.set_weights([np.full_like(w, math.nan) for w in before])
    try:
        with _local(path) as file:
            _load_file(base, file)
    except (ValueError, KeyError, OSError, TypeError) as e:
        raise _mismatch(base, path, name, str(e).strip().split("\n")[0]) from e
    missing = [v.name for v in base.weights if not np.isfinite(v.numpy()).all()]
    if missing:
        reason = f"nothing (or no finite number) in it for {len(missing)} of its weights"
        raise _mismatch(base, path, name, f"{reason}, for example {missing[0]}")


def _mismatch(base: Any, path: str, name: str, reason: str) -> BadInputError:
    height, width = base.input_shape[1:3]
    top = "without its top" if len(base.output_shape) == 4 else "its classifier included"
    return BadInputError(
        f"the weights in {path} are not those of {name} ({base.count_params():,} parameters, "
        f"{len(base.layers)} layers, images of {height} × {width}, {top}): {reason}. "
        "Check model.name and model.alpha, or pass another file."
    )


@contextlib.contextmanager
def _local(path: str) -> Iterator[str]:
    """Gives a local copy of a remote file; HDF5 reads local files only."""
    import tensorflow as tf

    if "://" not in path:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, os.path.basename(path))
        tf.io.gfile.copy(path, copy)
        yield copy


def _load_file(base: Any, path: str) -> None:
    import tf_keras

    if not path.endswith(".keras"):
        base.load_weights(path)
        return
    found = tf_keras.models.load_model(path, compile=False).get_weights()
    shapes = [w.shape for w in found]
    if shapes != [tuple(w.shape) for w in base.weights]:
        raise ValueError(f"its model has {len(shapes)} weights of other shapes")
    base.set_weights(found)


def is_saved_model(path: str) -> bool:
    """Whether `path` is a folder that holds a SavedModel."""
    import tensorflow as tf

    if path in ("imagenet", "none"):
        return False
    return bool(tf.io.gfile.exists(os.path.join(path, "saved_model.pb")))


def frozen_base(path: str, *, name: str) -> Any:
    """Returns a layer that computes features with the SavedModel in `path`.

    Its input is scaled as the network `name` expects. It cannot be trained.

    Raises:
      BadInputError: If it cannot be loaded, or called with one batch of images.
    """
    import tensorflow as tf
    import tf_keras

    try:
        loaded = tf.saved_model.load(path)
    except (OSError, ValueError, RuntimeError, tf.errors.OpError) as e:
        raise BadInputError(f"the SavedModel in {path} cannot be loaded: {e}") from e

    class FrozenSavedModel(tf_keras.layers.Layer):
        """Calls the loaded object; its variables count as frozen weights of the layer."""

        always_frozen = True

        def __init__(self) -> None:
            super().__init__(trainable=False, name=f"{name.lower()}_saved_model")
            self._loaded = loaded
            found = getattr(loaded, "variables", None) or ()
            self._non_trainable_weights.extend(found)

        def call(self, inputs: Any) -> Any:
            try:
                outputs = self._features(tf.cast(inputs, tf.float32))
            except (ValueError, TypeError) as e:
                raise BadInputError(
                    f"the SavedModel in {path} does not take images of shape "
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
            signature = self._loaded.signatures.get("serving_default")
            inputs = signature and signature.structured_input_signature[1]
            if not inputs or len(inputs) != 1:
                raise BadInputError(
                    f"the SavedModel in {path} must be callable, or have a serving_default "
                    f"signature with one input. Received: {inputs or 'no such signature'}"
                )
            return signature(**{next(iter(inputs)): images})

    return FrozenSavedModel()
