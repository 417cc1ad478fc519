"""From the command line to the step in the compiled job."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import compiler
from pipelines.cloud import options as cloud_options
from pipelines.cloud.platform_config import CloudConfig
from tests.rehearsal.jobs import Rehearsal
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[4]
BASE = (
    *("--task", "digits", "--data", "gs://bucket/digits", "--pipeline-root", "gs://bucket/root"),
    *("--image", "europe-docker.pkg.dev/p/r/tfx-vision@sha256:0123"),
    *("--project", "p", "--region", "europe-west4", "--model-registry", "Digits"),
)


def _config(*args: str) -> CloudConfig:
    return cloud_options.config_from(cloud_options.parser().parse_args(["compile", *BASE, *args]))


def test_the_step_comes_after_pusher_with_what_was_asked(tfx_ready: None) -> None:
    from components.vertex.settings import Deployment

    compiled = compiler.compile_job(
        _config(
            *("--serving-endpoint", "live", "--traffic", "10", "--keep-idle", "1"),
            *("--serving-replicas", "1:4", "--serving-accelerator", "nvidia-t4:2"),
            *("--serving-account", "sa@p", "--encryption-key", "key", "--label", "team=vision"),
        )
    )
    spec = compiled.job["pipelineSpec"]
    step = spec["root"]["dag"]["tasks"]["VertexDeploy"]
    pushed = step["inputs"]["artifacts"]["pushed_model"]["taskOutputArtifact"]
    assert pushed == {"outputArtifactKey": "pushed_model", "producerTask": "Pusher"}
    given = step["inputs"]["parameters"]["settings"]["runtimeValue"]["constant"]
    assert Deployment.from_json(given) == Deployment(
        project="p",
        region="europe-west4",
        task="digits",
        model="Digits",
        image="europe-docker.pkg.dev/p/r/tfx-vision@sha256:0123",
        endpoint="live",
        traffic=10,
        keep_idle=1,
        machine="n1-standard-16",
        min_replicas=1,
        max_replicas=4,
        accelerator="NVIDIA_TESLA_T4",
        accelerator_count=2,
        service_account="sa@p",
        encryption_key="key",
        labels={"team": "vision"},
    )
    args = spec["deploymentSpec"]["executors"]["VertexDeploy_executor"]["container"]["args"]
    assert args[1].startswith("components.vertex.deploy.")


def test_a_network_that_is_not_trained_is_registered_too(tfx_ready: None) -> None:
    job = compiler.compile_job(_config("--task", "imagenet", "--weights", "none")).job
    assert "VertexDeploy" in job["pipelineSpec"]["root"]["dag"]["tasks"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--traffic", "101"), "--traffic must be 0 to 100"),
        (("--keep-idle", "-1"), "--keep-idle must be 0 or more"),
        (("--serving-replicas", "4:1"), "must be N or MIN:MAX"),
        (("--model-registry", 'a "b"'), "without quotes"),
        (("--serving-root", "/mnt/models"), "reads models from gs://"),
        (("--serving-accelerator", "tpu-v5e-8"), "only on CPUs and GPUs"),
        (("--serving-accelerator", "nvidia-t5"), "did you mean 'nvidia-"),
        (("--project", ""), "but missing: --project"),
    ],
)
def test_what_cannot_be_is_said(tfx_ready: None, args: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        compiler.compile_job(_config(*args))


def test_kubeflow_refuses_and_loads_nothing_of_google(tmp_path: Path) -> None:
    program = (
        "import json, sys\n"
        "from pipelines import run_kubeflow\n"
        f"code = run_kubeflow.main(['compile', '--target', 'kubeflow', *{BASE!r}])\n"
        "print(json.dumps([code, [m for m in sys.modules if m.startswith('google.cloud.')]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [2, []]
    assert "--region, --model-registry belong to the target vertex, but the" in done.stderr
    assert "KServe and TensorFlow Serving read the folder" in done.stderr


@pytest.mark.slow
def test_the_steps_container_registers_what_pusher_left(serving: Any, tmp_path: Path) -> None:
    """The command of the compiled job, in a process, with an imported artifact for Pusher's."""
    spec = compiler.compile_job(_config("--endpoint", serving.server.address, "--region", "r")).job[
        "pipelineSpec"
    ]
    serving.polls = 0
    tasks = spec["root"]["dag"]["tasks"]
    tasks = {name: tasks[name] for name in ("Pusher", "VertexDeploy")}
    tasks["Pusher"] = {"componentRef": tasks["Pusher"]["componentRef"]}
    tasks["VertexDeploy"]["dependentTasks"] = ["Pusher"]
    spec["root"]["dag"]["tasks"] = tasks
    output = spec["components"]["Pusher"]["outputDefinitions"]["artifacts"]["pushed_model"]
    spec["components"]["Pusher"]["inputDefinitions"] = {}
    spec["deploymentSpec"]["executors"]["Pusher_executor"] = {
        "importer": {
            "artifactUri": {"constant": "gs://b/root/123/digits-1/Pusher_-7/pushed_model"},
            "typeSchema": output["artifactType"],
            "metadata": {"pushed": 1, "pushed_destination": "gs://b/serving/digits/1767225600"},
        }
    }
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "TF_USE_LEGACY_KERAS": "1",
    }
    Rehearsal(folder=tmp_path, environment=environment).run(spec)
    (upload,) = serving.uploads
    assert upload.model.artifact_uri == "gs://b/serving/digits/1767225600"
    assert upload.model.labels["run"] == "digits-1"
    (written,) = tmp_path.rglob("deployment.json")
    assert json.loads(written.read_text())["version"] == "1"
