"""Who hears of a run: the compiled steps' own commands, against a local receiver."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cloud import (
    compiler,
    notifications,
)
from pipelines.cloud import (
    config as cloud_config,
)
from pipelines.cloud.compiled import Compiled
from tests.pipelines.cloud.webhook import PAGE, Receiver, final
from tests.rehearsal.jobs import Rehearsal, StepFailedError
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]
VERTEX = {
    "task": "digits",
    "data": "gs://bucket/digits",
    "pipeline_root": "gs://bucket/root",
    "image": "europe-docker.pkg.dev/p/r/tfx-vision@sha256:0123",
}
KUBEFLOW = VERTEX | {
    "target": "kubeflow",
    "pipeline_root": "minio://mlpipeline/vision",
    "serving_root": "/mnt/serving",
    "host": "http://localhost:8080/",
    "namespace": "kubeflow",
}


def _compiled(**values: object) -> Compiled:
    return compiler.compile_job(cloud_config.build({**VERTEX, **values}))


def _command(spec: dict, name: str, given: dict) -> list[str]:
    container = spec["deploymentSpec"]["executors"][f"{name}_executor"]["container"]
    command = [*container["command"], *container["args"]]
    return [json.dumps(given) if part == "{{$}}" else part for part in command]


def _run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Runs a container's command in an empty folder."""
    return subprocess.run(
        [sys.executable, *command[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.usefixtures("tfx_ready")
def test_a_failed_run_on_vertex(receiver: Receiver, tmp_path: Path) -> None:
    spec = _compiled(notify_webhook=receiver.address).job["pipelineSpec"]
    message = "The DAG failed because some tasks failed. The failed tasks are: [Trainer]."
    given = final("FAILED", error={"code": 9, "message": message})
    assert _run(_command(spec, "Notify", given), tmp_path).returncode == 0
    (body,) = receiver.bodies
    assert body == {
        "status": "failed",
        "task": "digits",
        "run": "77",
        "link": PAGE,
        "reasons": [message],
        "text": f"digits: the run failed. {message} {PAGE}",
    }


@pytest.mark.usefixtures("tfx_ready")
def test_a_refused_model_on_kubeflow(receiver: Receiver, tmp_path: Path) -> None:
    spec = _compiled(**KUBEFLOW, notify_webhook="env:HOOK").job["pipelineSpec"]
    gate, check = tmp_path / "gate", tmp_path / "check"
    gate.mkdir()
    check.mkdir()
    (gate / "verdict.txt").write_text("accuracy is 0.7,\n  at least 0.9 is asked for\n")
    inputs = {
        # Kubeflow makes every number a double.
        "ModelGate": {"artifacts": [{"uri": str(gate), "metadata": {"blessed": 0.0}}]},
        "ServingCheck": {"artifacts": [{"uri": str(check), "metadata": {"blessed": 1.0}}]},
    }
    values = {"run": "run-1", "resource": "digits-x7"}
    given = {"inputs": {"parameterValues": values, "artifacts": inputs}}
    command = _command(spec, "Verdict", given)
    done = _run(command, tmp_path)
    assert done.returncode == 1 and "--secret SECRET:KEY=HOOK" in done.stderr
    assert _run(command, tmp_path, HOOK=receiver.address).returncode == 0
    (body,) = receiver.bodies
    reason = "ModelGate rejected it: accuracy is 0.7, at least 0.9 is asked for"
    assert body["status"] == "refused" and body["reasons"] == [reason]
    assert body["link"] == "http://localhost:8080/#/runs/details/run-1"


@pytest.mark.usefixtures("tfx_ready")
def test_the_mail_is_googles_own_step() -> None:
    """Compared with what kfp's compiler makes of Google's component."""
    from google.protobuf import json_format
    from google_cloud_pipeline_components.v1.vertex_notification_email import (
        VertexNotificationEmailOp,
    )
    from kfp import dsl

    @dsl.container_component
    def nothing() -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image="busybox", command=["true"])

    @dsl.pipeline(name="original")
    def original() -> None:
        with dsl.ExitHandler(VertexNotificationEmailOp(recipients=["me@example.com"])):
            nothing()

    wanted = json_format.MessageToDict(original.pipeline_spec)
    ours = _compiled(notify_email=("me@example.com",)).job["pipelineSpec"]
    name = "vertex-pipelines-notification-email"
    executor = ours["deploymentSpec"]["executors"]["NotifyByMail_executor"]
    assert executor == wanted["deploymentSpec"]["executors"][f"exec-{name}"]
    parameters = ours["components"]["NotifyByMail"]["inputDefinitions"]["parameters"]
    original_parameters = wanted["components"][f"comp-{name}"]["inputDefinitions"]["parameters"]
    del original_parameters["recipients"]["description"]
    assert parameters == original_parameters
    task = ours["root"]["dag"]["tasks"]["NotifyByMail"]
    original_task = wanted["root"]["dag"]["tasks"][name]
    for key in ("inputs", "dependentTasks", "triggerPolicy"):
        assert task[key] == original_task[key]
    assert set(ours["root"]["dag"]["tasks"]) == {"exit-handler-1", "NotifyByMail"}
    assert "--fail" in ours["deploymentSpec"]["executors"]["Verdict_executor"]["container"]["args"]


@pytest.mark.parametrize("place", [VERTEX, KUBEFLOW])
@pytest.mark.usefixtures("tfx_ready")
def test_the_job_is_one_that_the_platforms_types_read(place: dict) -> None:
    from google.cloud import aiplatform_v1 as api
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    values = {**place, "notify_webhook": "https://example.com/hook"}
    values["data"] += "/span-{SPAN}"
    compiled = _compiled(**values)
    spec = compiled.job["pipelineSpec"]
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(compiled.job, api.PipelineJob.pb(api.PipelineJob()))
    # The DAG still gets what may vary at submission.
    handed = spec["root"]["dag"]["tasks"]["exit-handler-1"]["inputs"]["parameters"]
    assert set(handed) == {"data_path", "data_span", "data_window"}
    assert set(spec["components"]["exit-handler-1"]["inputDefinitions"]["parameters"]) == set(
        handed
    )
    inner = notifications.steps(spec)
    plain = _compiled(**{**values, "notify_webhook": None}).job["pipelineSpec"]
    assert inner == notifications.steps(plain) | {"Verdict": inner["Verdict"]}
    assert "cachingOptions" not in inner["Verdict"]
    assert set(inner["Verdict"]["inputs"]["artifacts"]) == set(notifications.JUDGES)
    assert "Report" in inner["Verdict"]["dependentTasks"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"notify_webhook": "slack"}, "must be http://"),
        ({"notify_webhook": "env:HOOK"}, "cannot receive secrets as variables"),
        ({"notify_email": ("me",)}, "must be an e-mail address"),
        ({**KUBEFLOW, "notify_email": ("me@example.com",)}, "Name a service that sends e-mail"),
    ],
)
def test_who_cannot_be_told(values: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        cloud_config.build({**VERTEX, **values}).check_compile()


def _with_blessings(spec: dict, folder: Path, **blessed: int) -> dict:
    """Returns a job of Verdict alone, in which importers stand for the judges."""
    inner = spec["components"][notifications.DAG]["dag"]["tasks"]
    executors = spec["deploymentSpec"]["executors"]
    for judge in notifications.JUDGES:
        output = spec["components"][judge]["outputDefinitions"]["artifacts"]["blessing"]
        (folder / judge).mkdir()
        (folder / judge / "verdict.txt").write_text("accuracy is 0.6, below 0.9")
        inner[judge] = {"componentRef": inner[judge]["componentRef"]}
        spec["components"][judge]["inputDefinitions"] = {}
        executors[f"{judge}_executor"] = {
            "importer": {
                "artifactUri": {"constant": str(folder / judge)},
                "typeSchema": output["artifactType"],
                "metadata": {"blessed": blessed[judge]},
            }
        }
    inner["Verdict"]["dependentTasks"] = list(notifications.JUDGES)
    for name in set(inner) - {"Verdict", *notifications.JUDGES}:
        del inner[name]
    return spec


@pytest.mark.usefixtures("tfx_ready")
@pytest.mark.parametrize(("blessed", "statuses"), [(1, []), (0, ["refused"])])
def test_a_whole_job_with_notifications_is_rehearsed(
    receiver: Receiver, tmp_path: Path, blessed: int, statuses: list[str]
) -> None:
    spec = _compiled(notify_webhook=receiver.address).job["pipelineSpec"]
    spec = _with_blessings(spec, tmp_path, ModelGate=blessed, ServingCheck=1)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}", "PYTHONPATH": str(ROOT)}
    place = Rehearsal(folder=tmp_path / "runs", environment=environment)
    assert set(place.run(spec)) == {"Verdict", *notifications.JUDGES}
    assert [body["status"] for body in receiver.bodies] == statuses
    assert all(body["run"] == "run-1" for body in receiver.bodies)
    # A step that fails: the run does, and the end is told with the reason.
    container = spec["deploymentSpec"]["executors"]["Verdict_executor"]["container"]
    container["command"] = ["python", "-c", "import sys; sys.exit('out of memory')"]
    with pytest.raises(StepFailedError, match="out of memory"):
        place.run(spec)
    assert [body["status"] for body in receiver.bodies] == [*statuses, "failed"]
    assert "out of memory" in receiver.bodies[-1]["text"]
