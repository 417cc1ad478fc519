"""Learnt weights for a backbone: from Keras' own store, from a file, or from a SavedModel.

| `weights` | what happens |
|---|---|
| `imagenet` | Keras downloads the published file once into its cache (`$KERAS_HOME`, `~/.keras`) |
| `*.h5` | weights of the same network, as `save_weights` or `keras.applications` write them |
| `*.weights.h5` | the same in the format of Keras 3 |
| `*.keras` | a whole model of the same network; its weights are taken |
| a folder with `saved_model.pb` | the base itself, frozen (see `frozen_base`) |

Only numbers are read from a file: a model's configuration may name any Python module, so it is
never read, and an HDF5 file may link to other files, so such a file is rejected.
"""

import contextlib
import math
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions

_KERAS_WEIGHTS = "model.weights.h5"
"""The member of a `.keras` archive that holds the weights."""

_PUBLISHED_EFFICIENTNET = re.compile(r"efficientnetb[0-7](_notop)?\.h5")
"""The names of the files that Keras downloads."""

# The input that the published EfficientNets expect, for images in 0..1.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


def download(construct: Callable[[], Any], name: str) -> Any:
    """Returns `construct()`, which loads published weights with Keras.

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
            "start with random weights with --weights none."
        ) from e


@contextlib.contextmanager
def _watched_downloads(wanted: list[tuple[str, str]]) -> Iterator[None]:
    """Records the file that Keras requests, and applies KERAS_HOME, which `get_file` ignores."""
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
            f"there is no weights file {path}. --weights must be imagenet, none, or the path of a "
            ".h5, .weights.h5 or .keras file, or of a SavedModel folder."
        )
    if not path.endswith((".h5", ".hdf5", ".keras")):
        raise BadInputError(
            "--weights must be a .h5, .weights.h5 or .keras file, or a SavedModel folder (one "
            f"with saved_model.pb in it). Received: {path}"
        )
    # Formats of Keras 3 skip what they do not find; what was skipped stays NaN and is noticed.
    before = base.get_weights()
    # Counters are integers, which have no NaN.
    nothing = [
        np.full_like(w, 0 if np.issubdtype(w.dtype, np.integer) else math.nan) for w in before
    ]
    base.set_weights(nothing)
    try:
        with _local(path) as file:
            _load_file(base, file)
    except (ValueError, KeyError, OSError, TypeError, zipfile.BadZipFile) as e:
        raise _mismatch(base, path, name, str(e).strip().split("\n")[0]) from e
    missing = [v.name for v in base.weights if not np.isfinite(v.numpy()).all()]
    if missing:
        reason = f"it has no values (or no finite values) for {len(missing)} of the weights"
        raise _mismatch(base, path, name, f"{reason}, for example {missing[0]}")
    published = _PUBLISHED_EFFICIENTNET.fullmatch(os.path.basename(path)) is not None
    settle_scaling(base, published=published)


def settle_scaling(base: Any, *, published: bool) -> None:
    """Moves the second input scaling of the published EfficientNets into their weights.

    Those networks were trained on (x / 255 - mean) / deviation. However, their files contain the
    deviation in place of the variance of the Normalization layer, which divides by the square root;
    Keras compensates with an additional layer without weights, which divides by that root again,
    but builds that layer only for `weights="imagenet"`, and fails to build it in low precision
    (https://github.com/tensorflow/tensorflow/issues/49930). Here the variance is corrected to
    variance × deviation: the network is the same for all `weights`, and computes the same as Keras'
    own.

    Args:
      base: A network of `keras.applications`, weights loaded; others are not changed.
      published: Whether the weights are known to be published ones. Otherwise they are treated as
        published or fine-tuned ones if they contain the published mean and deviation.
    """
    import numpy as np
    from tf_keras import layers

    deviation = np.array(_DEVIATION)
    for layer in getattr(base, "layers", ()):
        if not (isinstance(layer, layers.Normalization) and layer.weights):
            continue
        mean, variance, *rest = layer.get_weights()
        if published or (
            np.allclose(mean, _MEAN, atol=2e-3) and np.allclose(variance, deviation, atol=2e-3)
        ):
            layer.set_weights([mean, variance * deviation, *rest])


def _mismatch(base: Any, path: str, name: str, reason: str) -> BadInputError:
    height, width = base.input_shape[1:3]
    top = "without the classifier" if len(base.output_shape) == 4 else "including the classifier"
    return BadInputError(
        f"the weights in {path} do not match {name} ({base.count_params():,} parameters, "
        f"{len(base.layers)} layers, images of {height} × {width}, {top}): {reason}. Check "
        "model.name and model.alpha, or pass another file."
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
    if not path.endswith(".keras"):
        _refuse_references(path)
        base.load_weights(path)
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        member = os.path.join(folder, _KERAS_WEIGHTS)
        with archive.open(_KERAS_WEIGHTS) as packed, open(member, "wb") as file:
            shutil.copyfileobj(packed, file)
        _refuse_references(member)
        base.load_weights(member)


def _refuse_references(path: str) -> None:
    """Raises ValueError if an HDF5 file refers to other files on this machine."""
    import h5py

    def look(group: Any, inside: str) -> None:
        for key in group:
            name = f"{inside}/{key}"
            if isinstance(group.get(key, getlink=True), h5py.ExternalLink):
                raise ValueError(f"its entry {name} links to another file")
            item = group[key]
            if isinstance(item, h5py.Group):
                look(item, name)
            elif item.external or item.is_virtual:
                raise ValueError(f"its dataset {name} stores its values in another file")

    with h5py.File(path, "r") as file:
        look(file, "")


def is_saved_model(path: str) -> bool:
    """Whether `path` is a folder that holds a SavedModel."""
    return path not in ("imagenet", "none") and versions.is_saved_model(path)
