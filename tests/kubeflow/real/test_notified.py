"""A run that fails tells the webhook, through Kubeflow's own driver and launcher."""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import cloud_config, compiler, notifications

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tfx_ready")]

_specification = importlib.util.spec_from_file_location(
    "kubeflow_parts", Path(__file__).parents[1] / "kubeflow_parts.py"
)
assert _specification and _specification.loader
parts = importlib.util.module_from_spec(_specification)
sys.modules["kubeflow_parts"] = parts
_specification.loader.exec_module(parts)

PORT = 18999
RECEIVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        with open(sys.argv[2], "ab") as f:
            f.write(self.rfile.read(int(self.headers["Content-Length"])) + b"\\n")
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    why = parts.missing()
    if why:
        pytest.skip(why)
    one = parts.Cluster(tmp_path / "cluster")
    yield one
    one.stop()


def _one_step(text: str) -> dict[str, Any]:
    """Returns the compiled job with nothing left of the DAG but its quickest step."""
    config = cloud_config.build(
        {
            "target": "kubeflow",
            "task": "digits",
            "data": "/mnt/digits",
            "pipeline_root": parts.PIPELINE_ROOT,
            "serving_root": "/mnt/serving",
            "image": "image@sha256:0",
            "notify_webhook": f"http://127.0.0.1:{PORT}/hook",
            "host": parts.HOST,
        }
    )
    spec = compiler.compile_job(config).job["pipelineSpec"]
    tasks = notifications.steps(spec)
    step = tasks["ReviewedSchema"]
    step["inputs"]["parameters"]["text"] = {"runtimeValue": {"constant": text}}
    spec["components"]["exit-handler-1"]["dag"]["tasks"] = {"ReviewedSchema": step}
    return spec


def _run(cluster: Any, spec: dict[str, Any], folder: Path) -> str:
    """Runs it as Argo would, the exit hook after all else; returns what was printed."""
    folder.mkdir()
    job = folder / "job.yaml"
    job.write_text(yaml.safe_dump(spec))
    subprocess.run(
        [cluster._folder / "bin/compile-workflow", folder, job], check=True, capture_output=True
    )
    workflow = folder / "job.yaml.wf.json"
    found = json.loads(workflow.read_text())
    (root,) = [one for one in found["spec"]["templates"] if one["name"] == "root"]
    (handled,) = [one for one in root["dag"]["tasks"] if "hooks" in one]
    # What stands in for Argo knows no hooks, but does tasks in their order.
    root["dag"]["tasks"].append({"name": "hook", **handled.pop("hooks")["exit"]})
    workflow.write_text(json.dumps(found))
    create = (
        "import json, sys, urllib.request\n"
        "body = json.dumps({'display_name': 'told', 'pipeline_spec': json.load(sys.stdin)})\n"
        f"url = '{parts.HOST}/apis/v2beta1/runs'\n"
        "request = urllib.request.Request(url, body.encode(), method='POST')\n"
        "print(json.load(urllib.request.urlopen(request))['run_id'])\n"
    )
    run = subprocess.run(
        cluster._inside(sys.executable, "-c", create),
        input=json.dumps(spec),
        capture_output=True,
        check=True,
        text=True,
    ).stdout.strip()
    command = (cluster._helpers / "run_workflow.py", workflow, folder / "run", run, "--uid", "1000")
    done = subprocess.run(
        cluster._inside(sys.executable, *command),
        env=parts.os.environ | {"PROJECT": str(parts.ROOT), "KFP_DIR": str(cluster._folder)},
        capture_output=True,
        check=True,
        text=True,
    )
    return run + "\n" + done.stdout


def test_a_failed_run_and_one_that_succeeds(cluster: Any, tmp_path: Path) -> None:
    told = tmp_path / "told"
    receiver = subprocess.Popen(
        cluster._inside(sys.executable, "-c", RECEIVER, str(PORT), str(told))
    )
    try:
        time.sleep(1)
        run, _, printed = _run(cluster, _one_step("feature {"), tmp_path / "bad").partition("\n")
        assert "Failed" in printed.splitlines()[-1], printed
        (body,) = [json.loads(line) for line in told.read_text().splitlines()]
        assert body["status"] == "failed" and body["task"] == "digits", printed
        assert body["link"] == f"{parts.HOST}/#/runs/details/{run}"
        _, _, printed = _run(cluster, _one_step(""), tmp_path / "good").partition("\n")
        assert "Succeeded" in printed.splitlines()[-1], printed
        assert len(told.read_text().splitlines()) == 1
    finally:
        receiver.kill()
        receiver.wait()
