"""Files from outside: their numbers are read, and nothing in them is run."""

import contextlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import backbones

# A configuration like this makes `load_model` import the module, in its safe mode too.
HOSTILE = {
    "module": "hostile_module",
    "class_name": "Anything",
    "config": {"name": "x"},
    "registered_name": "hostile_module>Anything",
    "build_config": {"input_shape": [None, 32, 32, 3]},
}


def mobile(weights: str) -> Any:
    return backbones.build("MobileNetV2", height=32, width=32, alpha=0.35, weights=weights)


@pytest.fixture(scope="module")
def small() -> Any:
    return mobile("none")


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that leaves a file behind when it is imported; the file's path."""
    (tmp_path / "hostile_module.py").write_text(
        f"open({str(tmp_path / 'was_run')!r}, 'w').close()\n"
        "class Anything:\n    @classmethod\n    def from_config(cls, config): return cls()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "hostile_module", raising=False)
    return tmp_path / "was_run"


def with_config(source: Path, target: Path, config: dict[str, Any]) -> None:
    """Copies a `.keras` file with another configuration."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            given = json.dumps(config).encode() if name == "config.json" else old.read(name)
            new.writestr(name, given)


def test_the_configuration_of_a_keras_file_is_never_looked_at(
    small: Any, tmp_path: Path, trap: Path
) -> None:
    small.save(str(tmp_path / "good.keras"))
    with_config(tmp_path / "good.keras", tmp_path / "bad.keras", HOSTILE)
    # The trap works: this is what reading the model as a model does.
    with contextlib.suppress(Exception):
        tf_keras.models.load_model(str(tmp_path / "bad.keras"), compile=False)
    assert trap.exists()
    trap.unlink()
    sys.modules.pop("hostile_module", None)
    loaded = mobile(str(tmp_path / "bad.keras"))
    assert not trap.exists()
    for a, b in zip(small.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_configuration_of_a_whole_h5_model_is_never_looked_at(
    small: Any, tmp_path: Path, trap: Path
) -> None:
    path = str(tmp_path / "whole.h5")
    small.save(path)
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps(HOSTILE)
    loaded = mobile(path)
    assert not trap.exists()
    np.testing.assert_array_equal(small.get_weights()[0], loaded.get_weights()[0])


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_a_file_that_points_at_others_is_refused(small: Any, tmp_path: Path, ending: str) -> None:
    """HDF5 can take a part from any file of the machine, which would then ride in the model."""
    path = tmp_path / f"base{ending}"
    small.save(str(path)) if ending == ".keras" else small.save_weights(str(path))
    inner = path
    if ending == ".keras":
        inner = tmp_path / "model.weights.h5"
        with zipfile.ZipFile(path) as archive:
            archive.extract(inner.name, tmp_path)
    with h5py.File(inner, "a") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/other.h5", "/secret")
    if ending == ".keras":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inner, inner.name)
    with pytest.raises(BadInputError, match="/elsewhere links to another file"):
        mobile(str(path))


def test_numbers_stored_in_another_file_are_refused(small: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"0" * 64)
    path = tmp_path / "base.h5"
    small.save_weights(str(path))
    with h5py.File(path, "a") as file:
        outside = [(str(tmp_path / "secret"), 0, 64)]
        file.create_dataset("taken", (16,), "float32", external=outside)
    with pytest.raises(BadInputError, match="/taken stores its values in another file"):
        mobile(str(path))


@pytest.mark.parametrize("contents", [b"no archive", None])
def test_a_broken_keras_file_is_refused(tmp_path: Path, contents: bytes | None) -> None:
    path = tmp_path / "broken.keras"
    if contents is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
    else:
        path.write_bytes(contents)
    with pytest.raises(BadInputError, match="do not match MobileNetV2"):
        mobile(str(path))


def test_files_of_keras_3_are_read(small: Any, tmp_path: Path) -> None:
    """Keras 3 lists the same weights under the same names; its configurations it keeps apart."""
    script = f"""
import os
os.environ["TF_USE_LEGACY_KERAS"] = "0"
import keras
assert keras.__version__.startswith("3")
base = keras.applications.MobileNetV2(
    alpha=0.35, weights=None, include_top=False, input_shape=(32, 32, 3))
base.load_weights({str(tmp_path / "base.h5")!r})
base.save({str(tmp_path / "new.keras")!r})
base.save_weights({str(tmp_path / "new.weights.h5")!r})
"""
    small.save_weights(str(tmp_path / "base.h5"))
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    for name in ("new.keras", "new.weights.h5"):
        loaded = mobile(str(tmp_path / name))
        for a, b in zip(small.get_weights(), loaded.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
