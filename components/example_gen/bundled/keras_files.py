"""The data sets of `tf_keras.datasets`, from Keras' cache, the network, or files given by hand."""

import gzip
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError, did_you_mean

Arrays = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_DAMAGED = (
    *(ValueError, OSError, KeyError, EOFError),
    *(pickle.UnpicklingError, zipfile.BadZipFile),
)
_BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
# The original's order; MEDV, in thousands of dollars, is the target.
BOSTON_COLUMNS = (
    *("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO"),
    *("B", "LSTAT", "MEDV"),
)


def from_folder(name: str, folder: Path) -> Arrays | None:
    """Returns a data set from files in `folder`, under the names that Keras gives them.

    Args:
      name: A module of `tf_keras.datasets`.
      folder: Holds idx files (`.gz` or not), an `.npz`, or CIFAR's batches.

    Returns:
      ((x_train, y_train), (x_test, y_test)); None if files are missing.

    Raises:
      BadInputError: If a file is damaged.
    """
    for reader in _FILES.get(name, ()):
        try:
            arrays = reader(name, folder)
        except _DAMAGED as error:
            raise BadInputError(f"{folder}: cannot read Keras' {name} files: {error}") from error
        if arrays is not None:
            return arrays
    return None


def from_keras(name: str) -> Arrays:
    """Returns a data set as Keras loads it: from `$KERAS_HOME/datasets`, else from the network.

    Raises:
      BadInputError: If there is no such data set, or no cache and no network.
    """
    if name not in _CACHED:
        raise BadInputError(f"keras:{name}: the data set {did_you_mean(name, _CACHED)}.")
    import importlib

    module = importlib.import_module(f"tf_keras.datasets.{name}")
    try:
        return module.load_data()
    except Exception as error:  # Keras raises plain Exception when a download fails.
        raise BadInputError(
            f"Keras' data set {name} is not on this machine and cannot be downloaded ({error}). "
            f"Put {_CACHED[name]} into $KERAS_HOME/datasets (~/.keras/datasets), or name the "
            f"folder that contains {needed(name)} with --data."
        ) from error


def needed(name: str) -> str:
    """Returns the file names that `from_folder` accepts, as text."""
    return _NEEDED.get(name, _CACHED.get(name, name))


def _idx(name: str, folder: Path) -> Arrays | None:
    del name
    paths = [_plain_or_gzip(folder / file) for file in _IDX]
    if any(path is None for path in paths):
        return None
    arrays = [read_idx(path) for path in paths if path is not None]
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def _plain_or_gzip(path: Path) -> Path | None:
    candidates = (path.with_name(path.name + ".gz"), path)
    return next((p for p in candidates if p.is_file()), None)


def read_idx(path: Path) -> np.ndarray:
    """Returns the uint8 array of an idx file, gzip-compressed or not.

    The format is that of LeCun's MNIST page: two zero bytes, the type (8 for uint8), the number
    of dimensions, each dimension as a big-endian 32-bit number, the values.

    Raises:
      ValueError: If it is not such a file, or is truncated.
    """
    contents = path.read_bytes()
    if contents[:2] == b"\x1f\x8b":
        contents = gzip.decompress(contents)
    if contents[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is not an idx file of bytes")
    dimensions = contents[3]
    shape = np.frombuffer(contents, ">u4", count=dimensions, offset=4).astype(int)
    return np.frombuffer(contents, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _npz(name: str, folder: Path) -> Arrays | None:
    path = folder / f"{name}.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _boston(name: str, folder: Path) -> Arrays | None:
    path = folder / f"{name}.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        x, y = arrays["x"], arrays["y"]
    # As Keras' load_data shuffles and cuts, with its default seed and fraction.
    order = np.arange(len(x))
    np.random.RandomState(113).shuffle(order)
    cut = int(len(x) * 0.8)
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def _cifar(name: str, folder: Path) -> Arrays | None:
    del name
    for place in (folder, folder / "cifar-10-batches-py"):
        if all((place / batch).is_file() for batch in _BATCHES):
            loaded = [_batch(place / batch) for batch in _BATCHES]
            train = tuple(np.concatenate(parts) for parts in zip(*loaded[:-1], strict=True))
            return (train[0], train[1]), loaded[-1]
    return None


def _batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as f:
        # CIFAR's own format; NumPy arrays need only these names.
        batch = _ArraysOnly(f, encoding="bytes").load()
    pixels = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32)
    return pixels.transpose(0, 2, 3, 1), np.asarray(batch[b"labels"])


class _ArraysOnly(pickle.Unpickler):
    """Rejects everything except NumPy arrays, since a pickle could run any code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")


_FILES: dict[str, tuple[Callable[[str, Path], Arrays | None], ...]] = {
    "mnist": (_npz, _idx),
    "fashion_mnist": (_idx, _npz),
    "cifar10": (_cifar, _npz),
    "boston_housing": (_boston,),
}
_CACHED = {
    "mnist": "mnist.npz",
    "fashion_mnist": "fashion-mnist/" + ".gz, fashion-mnist/".join(_IDX) + ".gz",
    "cifar10": "cifar-10-batches-py.tar.gz or the folder cifar-10-batches-py",
    "cifar100": "cifar-100-python.tar.gz or the folder cifar-100-python",
    "boston_housing": "boston_housing.npz",
}
_NEEDED = {
    "mnist": "mnist.npz or " + ".gz, ".join(_IDX) + ".gz",
    "fashion_mnist": ".gz, ".join(_IDX) + ".gz",
    "cifar10": ", ".join(_BATCHES),
}
