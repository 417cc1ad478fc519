"""The compiled job runs: every container command, with the wheel alone, to a pushed model."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.rehearsal.jobs import Rehearsal, StepFailedError
from tests.rehearsal.launcher import ObjectStoreLauncher

ROOT = Path(__file__).parents[3]
PACKAGES = ("pipelines", "components", "trainer_modules", "schemas")
BUCKET = "tfx-vision-rehearsal"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


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
    # As the Dockerfile does: what is locked, without what only developers need; then the wheel.
    for file in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / file, place / file)
    subprocess.run(
        [uv, "sync", "--frozen", "--no-dev", "--no-install-project", "--python", sys.executable],
        cwd=place,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(place / "venv")},
        check=True,
        capture_output=True,
    )
    python = place / "venv/bin/python"
    subprocess.run(
        [uv, "pip", "install", "--offline", "--no-deps", "--python", str(python), str(wheel)],
        check=True,
        capture_output=True,
    )
    return {
        "PATH": f"{python.parent}:/usr/bin:/bin",
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

    (version,) = (path for path in folder.iterdir() if path.name.isdigit())
    model = tf.saved_model.load(str(version))
    answer = model.signatures["serving_default"](image_bytes=tf.constant([image_bytes]))
    return answer["label"].numpy()[0].decode()


def test_the_image_has_what_it_needs_and_no_more(image: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys\n"
        "print([m for m in sys.argv[1:] if importlib.util.find_spec(m)])"
    )
    modules = ["pipelines", "components", "trainer_modules", "schemas", "tfx", "kfp"]
    others = ["benchmarks", "pytest", "ruff", "mypy", "moto", "selenium", "starlette"]
    found = subprocess.run(
        ["python", "-c", program, *modules, *others],
        env=image,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == str(modules)


SEARCH = """search=[{"type": "engine.hyperparameters.Choice", "key": "model.layers.1.units",
  "values": [200, 300]}]"""


def test_digits_on_vertex(image: dict[str, str], tmp_path: Path) -> None:
    """Tuner and Trainer start CustomJobs, whose commands run too."""
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
        *("--accelerator", "nvidia-l4", "--project", "p", "--region", "europe-west4"),
        *("--tune", "2", "--set", SEARCH),
    )
    for task in ("Tuner", "Trainer"):
        container = spec["deploymentSpec"]["executors"][f"{task}_executor"]["container"]
        container["command"] = ["python", str(Path(__file__).with_name("job_service.py"))]
    jobs = tmp_path / "jobs"
    place = Rehearsal(folder=root, environment=image | {"CUSTOM_JOBS": str(jobs)})

    first = place.run(spec)
    versions = [path for path in (root / "serving/digits").iterdir() if path.name.isdigit()]
    assert set(first.values()) == {"ran", "resolved"}
    assert len(versions) == 1 and (versions[0] / "saved_model.pb").exists()
    started = [json.loads(line)["displayName"] for line in jobs.read_text().splitlines()]
    assert started == ["digits-tuning", "digits-training"]
    # The search's best is what was trained: the recipe itself has 256 units.
    (found,) = root.glob("run-1/Tuner/best_hyperparameters/*.txt")
    best = json.loads(found.read_text())["values"]["model.layers.1.units"]
    assert best in (200, 300) and best in _widths(versions[0])

    # The same again: the driver sees the same data, the cache gives all but what compares with
    # the model that is now the last blessed one.
    second = place.run(spec)
    assert second["ImageExampleGen"] == second["Tuner"] == second["Trainer"] == "cached"


def _widths(model: Path) -> set[int]:
    """Returns the last dimension of every weight of a SavedModel."""
    import tensorflow as tf

    found = tf.train.list_variables(str(model / "variables/variables"))
    return {shape[-1] for _, shape in found if shape}


def _class_folders(root: Path) -> None:
    """Writes two classes that anybody can tell apart: dark and bright."""
    generator = np.random.default_rng(0)
    for name, level in (("dark", 40), ("bright", 210)):
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(24):
            pixels = generator.integers(level - 30, level + 30, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")


@pytest.fixture
def store() -> Iterator[Any]:
    """Returns a client of a server of the S3 protocol that has a bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="minio",
        aws_secret_access_key="minio123",
    )
    client.create_bucket(Bucket=BUCKET)
    yield client
    # The folder /minio stays: where pods have something mounted on it, removing it takes that away.
    server.stop()


def _local_store(image: dict[str, str], tmp_path: Path) -> str:
    """Returns where artifacts lie in the container: /minio, if this user may make it."""
    try:
        os.makedirs(f"/minio/{BUCKET}", exist_ok=True)
    except OSError:
        # Without root the installed module is told another place.
        (module,) = Path(image["HOME"]).glob(
            "venv/lib/*/site-packages/pipelines/cloud/container.py"
        )
        local = str(tmp_path / "minio")
        module.write_text(module.read_text().replace('"/minio/"', f'"{local}/"'))
        return local
    return "/minio"


def test_image_folder_on_kubeflow(image: dict[str, str], store: Any, tmp_path: Path) -> None:
    """Artifacts lie in MinIO: every step gets them from there and leaves them there."""
    data, serving = tmp_path / "data", tmp_path / "serving"
    _class_folders(data)
    root = f"minio://{BUCKET}/vision"
    spec = _compile(
        tmp_path / "image-folder.yaml",
        *("--target", "kubeflow", "--task", "image_folder", "--data", str(data)),
        *("--pipeline-root", root, "--serving-root", str(serving)),
        *("--weights", "none", "--beam-workers", "2", "--tune", "2"),
        *("--set", "input.height=32", "--set", "input.width=32", "--set", "gates=()"),
        *("--set", "train.epochs=1", "--set", "train.batch_size=8"),
    )
    launcher = ObjectStoreLauncher(store, root, _local_store(image, tmp_path))
    place = Rehearsal(folder=tmp_path / "place", environment=image, launcher=launcher)
    place.run(spec)
    label = _serves(serving / "image_folder", (data / "dark/0.png").read_bytes())
    assert label in ("bright", "dark")
    kept = store.list_objects_v2(Bucket=BUCKET, Prefix="vision/run-1/Trainer/model/")["Contents"]
    assert any(one["Key"].endswith("saved_model.pb") for one in kept)
    assert not launcher.scratch.exists() and not list((tmp_path / "place/run-1").glob("*/model"))
    # Where an artifact lies is what the platform has to be told, not the local path.
    written = (tmp_path / "place/run-1/Trainer/executor_output.json").read_text()
    assert f"{root}/run-1/Trainer/model" in written and "/minio/" not in written


OWN_TASK = """
from trainer_modules.api import Classification, Dense, Flatten, ImageFolders, Images, Network
from trainer_modules.api import Phase, Task, entry_points
from remarks import REMARK

TASK = Task(
    name="mine",
    source=ImageFolders(),
    problem=Classification(),
    input=Images(height=8, width=8),
    model=Network(layers=(Flatten(), Dense(8))),
    phases=(Phase(epochs=2),),
    gates=(),
)
_transform, _train = entry_points(TASK)


def preprocessing_fn(inputs, custom_config):
    print("transformed in", __file__)
    return _transform(inputs, custom_config)


def run_fn(fn_args):
    _train(fn_args)
    print(REMARK, "in", __file__)
"""


def test_a_task_file_that_no_container_has(image: dict[str, str], tmp_path: Path) -> None:
    """It rides in the job with what it imports from beside it, and its schema is inferred there."""
    data, root, files = tmp_path / "data", tmp_path / "root", tmp_path / "files"
    _class_folders(data)
    files.mkdir()
    (files / "mine.py").write_text(OWN_TASK)
    (files / "remarks.py").write_text("REMARK = 'a function of its own has run'")
    spec = _compile(
        tmp_path / "mine.json",
        *("--task", str(files / "mine.py"), "--data", str(data), "--pipeline-root", str(root)),
    )
    shutil.rmtree(files)
    place = Rehearsal(folder=root, environment=image)
    first = place.run(spec)
    assert set(first.values()) == {"ran", "resolved"} and first["InferredSchema"] == "ran"
    assert _serves(root / "serving/mine", (data / "dark/0.png").read_bytes()) in ("bright", "dark")
    log = (root / "run-1/Trainer.log").read_text()
    assert "a function of its own has run in" in log
    assert "transformed in /" in (root / "run-1/Transform.log").read_text()
    assert str(files) not in json.dumps(spec)
    assert place.run(spec)["Trainer"] == "cached"


def test_a_module_that_the_image_lacks_is_noticed(image: dict[str, str], tmp_path: Path) -> None:
    """A module that this repository has, and an installation for developers finds."""
    spec = _compile(
        tmp_path / "digits.json",
        *("--task", "digits", "--data", "/nowhere", "--pipeline-root", str(tmp_path)),
    )
    task = spec["root"]["dag"]["tasks"]["ReviewedSchema"]
    spec["root"]["dag"]["tasks"] = {"ReviewedSchema": task}
    container = spec["deploymentSpec"]["executors"]["ReviewedSchema_executor"]["container"]
    container["args"][1] = "tests.pipelines.cloud.job_service.JobService"
    with pytest.raises(StepFailedError, match="Could not import tests.pipelines.cloud.job_service"):
        Rehearsal(folder=tmp_path / "root", environment=image).run(spec)
