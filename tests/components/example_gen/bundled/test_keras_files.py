"""Files of Keras' data sets, and what Keras itself makes of them."""

import pickle

import numpy as np
import pytest

from components.example_gen.bundled import keras_files
from trainer_modules.engine.errors import BadInputError


def test_other_keras_files(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 28, 28), dtype=np.uint8)
    arrays = {"x_train": images, "y_train": np.arange(6), "x_test": images[:2]}
    np.savez(tmp_path / "mnist.npz", **arrays, y_test=np.arange(2))
    (x, _), (x_test, _) = keras_files.from_folder("mnist", tmp_path)
    np.testing.assert_array_equal(x, images)
    assert len(x_test) == 2
    rows32 = rng.integers(0, 256, (2, 3072), dtype=np.uint8)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        with (tmp_path / name).open("wb") as f:
            pickle.dump({b"data": rows32, b"labels": [3, 4]}, f)
    (x, y), _ = keras_files.from_folder("cifar10", tmp_path)
    assert (x.shape, y.shape) == ((10, 32, 32, 3), (10,))
    np.testing.assert_array_equal(x[0, :, :, 2].reshape(-1), rows32[0, 2048:])


class Dangerous:
    def __reduce__(self):
        return (print, ("code from a pickle",))


def test_a_pickle_runs_no_code(tmp_path, capsys):
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (tmp_path / name).write_bytes(pickle.dumps(Dangerous()))
    with pytest.raises(BadInputError, match=r"cannot read.*builtins\.print"):
        keras_files.from_folder("cifar10", tmp_path)
    assert capsys.readouterr().out == ""


def test_damaged_idx_file(tiny_mnist):
    (tiny_mnist / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x09abc")
    with pytest.raises(BadInputError, match="cannot read Keras' mnist files"):
        keras_files.from_folder("mnist", tiny_mnist)


def test_boston_housing_is_shuffled_as_keras_does(tmp_path, monkeypatch):
    from tf_keras.src.datasets import boston_housing

    rng = np.random.default_rng(1)
    path = tmp_path / "boston_housing.npz"
    np.savez(path, x=rng.random((506, 13)), y=rng.random(506))
    # Keras would check the real file's hash.
    monkeypatch.setattr(boston_housing, "get_file", lambda *args, **kwargs: str(path))
    for found, truth in zip(
        keras_files.from_folder("boston_housing", tmp_path), boston_housing.load_data(), strict=True
    ):
        np.testing.assert_array_equal(found[0], truth[0])
        np.testing.assert_array_equal(found[1], truth[1])
    assert len(found[0]) == 102
