"""The compiled job runs: every container command, with the wheel alone, to a pushed model."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines.rehearsal import Rehearsal, StepFailedError

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipelines", "components", "trainer_modules", "schemas")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Returns the environment of a container: the wheel and the locked dependencies, no more."""
    place = tmp_path_factory.mktemp("image")
    source = place / "source"
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("pyproject.toml", "README.md", "NOTICE"):
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, source / file)
    uv = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    subprocess.run(
        [
            *(uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable),
            *("--out-dir", str(place / "dist"), str(source)),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = (place / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
    python = place / "venv/bin/python"
    subprocess.run(
        [uv, "pip", "install", "--offline", "--no-deps", "--python", str(python), str(wheel)],
        check=True,
        capture_output=True,
    )
    # The locked dependencies, without this project's editable install: a path file in a path
    # that a path file adds is not read.
    site = sysconfig.get_path("purelib", vars={"base": str(place / "venv")})
    Path(site, "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": str(place),
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def _compile(output: Path, *argv: str) -> dict:
    """Compiles in a process of its own, as people do; returns the pipeline spec."""
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "pipelines/run_kubeflow.py"), "compile", *argv),
            *("--image", "registry/vision@sha256:0", "--output", str(output)),
        ],
        check=True,
        capture_output=True,
    )
    if output.suffix == ".json":
        return json.loads(output.read_text())["pipelineSpec"]
    return next(iter(yaml.safe_load_all(output.read_text())))


def _serves(folder: Path, image_bytes: bytes) -> str:
    """Returns what the pushed model says of an image."""
    import tensorflow as tf

    (version,) = folder.iterdir()
    model = tf.saved_model.load(str(version))
    answer = model.signatures["serving_default"](image_bytes=tf.constant([image_bytes]))
    return answer["label"].numpy()[0].decode()


def test_digits_on_vertex(image: dict[str, str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "pipelines/run_kubeflow.py"), "upload"),
            *("--task", "digits", "--data", str(data)),
        ],
        check=True,
    )
    root = tmp_path / "root"
    spec = _compile(
        tmp_path / "digits.json",
        *("--task", "digits", "--data", str(data), "--pipeline-root", str(root)),
    )
    place = Rehearsal(folder=root, environment=image)

    first = place.run(spec)
    versions = list((root / "serving/digits").iterdir())
    assert set(first.values()) == {"ran", "resolved"}
    assert len(versions) == 1 and (versions[0] / "saved_model.pb").exists()

    # The same again: the driver sees the same data, the cache gives all but what compares with
    # the model that is now the last blessed one.
    second = place.run(spec)
    assert second["ImageExampleGen"] == second["Trainer"] == "cached"


def _class_folders(root: Path) -> None:
    """Writes two classes that anybody can tell apart: dark and bright."""
    generator = np.random.default_rng(0)
    for name, level in (("dark", 40), ("bright", 210)):
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(24):
            pixels = generator.integers(level - 30, level + 30, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")


def test_image_folder_on_kubeflow(image: dict[str, str], tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "root"
    _class_folders(data)
    spec = _compile(
        tmp_path / "image-folder.yaml",
        *("--target", "kubeflow", "--task", "image_folder", "--data", str(data)),
        *("--pipeline-root", str(root), "--weights", "none", "--beam-workers", "2"),
        *("--set", "image.height=32", "--set", "image.width=32", "--set", "gates=()"),
        *("--set", "train.epochs=1", "--set", "train.batch_size=8"),
    )
    place = Rehearsal(folder=root, environment=image)
    place.run(spec)
    label = _serves(root / "serving/image_folder", (data / "dark/0.png").read_bytes())
    assert label in ("bright", "dark")


def test_a_module_that_the_image_lacks_is_noticed(image: dict[str, str], tmp_path: Path) -> None:
    spec = _compile(
        tmp_path / "digits.json",
        *("--task", "digits", "--data", "/nowhere", "--pipeline-root", str(tmp_path)),
    )
    task = spec["root"]["dag"]["tasks"]["ReviewedSchema"]
    spec["root"]["dag"]["tasks"] = {"ReviewedSchema": task}
    container = spec["deploymentSpec"]["executors"]["ReviewedSchema_executor"]["container"]
    container["args"][1] = "tests.kubeflow.nothing.Executor"
    with pytest.raises(StepFailedError, match="Could not import tests.kubeflow.nothing"):
        Rehearsal(folder=tmp_path / "root", environment=image).run(spec)
