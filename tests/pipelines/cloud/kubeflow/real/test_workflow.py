"""What Kubeflow's own parser and Argo compiler make of compiled jobs."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import compiler, targets
from pipelines.cloud import config as cloud_config

BASE = {
    "target": "kubeflow",
    "task": "digits",
    "data": "/mnt/digits",
    "pipeline_root": "minio://mlpipeline/vision",
    "serving_root": "/mnt/serving",
    "image": "image@sha256:0",
}

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.fixture
def workflow(kfp_program: Callable[[str], str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Returns what compiles a job and makes Kubeflow compile it further, to Argo's templates."""
    program = kfp_program("compile-workflow")

    def make(**values: object) -> dict[str, Any]:
        compiled = compiler.compile_job(cloud_config.build({**BASE, **values}))
        file = tmp_path / "job.yaml"
        file.write_text(targets.find("kubeflow").text(compiled))
        done = subprocess.run(
            [program, str(tmp_path), str(file)], capture_output=True, text=True, check=False
        )
        (made,) = tmp_path.glob("*.wf.json")
        assert "bad 0 of 1" in done.stdout, done.stdout + done.stderr
        templates = json.loads(made.read_text())["spec"]["templates"]
        return {template["name"]: template for template in templates}

    return make


def test_spot_training_is_tried_again(workflow: Callable[..., dict[str, Any]]) -> None:
    templates = workflow(accelerator="nvidia-l4", spot=True)
    (trainer,) = [one for one in templates["root"]["dag"]["tasks"] if one["name"] == "Trainer"]
    given = {one["name"]: one.get("value") for one in trainer["arguments"]["parameters"]}
    assert given["retry-max-count"] == str(compiler.SPOT_RETRIES)
    # Argo counts it from the first attempt: training may take days.
    assert int(given["retry-backoff-max-duration"]) == 7 * 24 * 3600
    strategy = templates["retry-system-container-impl"]["retryStrategy"]
    assert strategy["limit"] == "{{inputs.parameters.retry-max-count}}"


def test_whatever_happens_the_webhook_is_told(workflow: Callable[..., dict[str, Any]]) -> None:
    templates = workflow(notify_webhook="https://example.com/hook", secrets=("s:k=HOOK",))
    (handled,) = [
        one for one in templates["root"]["dag"]["tasks"] if one["name"] == "exit-handler-1"
    ]
    hook = templates[handled["hooks"]["exit"]["template"]]
    driver, notify = hook["dag"]["tasks"]
    assert notify["name"] == "Notify"
    given = {one["name"]: one["value"] for one in driver["arguments"]["parameters"]}
    inputs = json.loads(given["task"])["inputs"]["parameters"]
    assert inputs["status"] == {"taskFinalStatus": {"producerTask": "exit-handler-1"}}
    steps = {one["name"]: one for one in templates["exit-handler-1"]["dag"]["tasks"]}
    # Everything else has been done before the blessings are looked at.
    waited = steps["Verdict-driver"]["depends"]
    assert {"Trainer.Succeeded", "Report.Succeeded"} <= set(waited.split(" && "))
