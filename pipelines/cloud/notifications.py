"""Notifications of failed runs and rejected models: steps around and after the DAG.

The form is that of kfp's own compiler: the DAG becomes one task, `exit-handler-1`, and each
notification a task that waits for its end, successful or not. A rejected model does not fail the
run, so one more step inside the DAG, Verdict, reads the blessings.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.cloud.platform_config import CloudConfig

DAG, VERDICT, END, MAIL = "exit-handler-1", "Verdict", "Notify", "NotifyByMail"
# The steps that bless or reject a model; Pusher requires both blessings.
JUDGES = ("ModelGate", "ServingCheck")
_COMMAND = ["python", "-m", "pipelines.cloud.notify"]
# Both platforms fill these in, in the value of a parameter.
_RUN = {"run": "{{$.pipeline_job_uuid}}", "resource": "{{$.pipeline_job_resource_name}}"}
# Google's own step (google_cloud_pipeline_components.v1.vertex_notification_email), which Vertex AI
# itself carries out; a test compares.
_MAIL_IMAGE = "gcr.io/ml-pipeline/google-cloud-pipeline-components:2.22.0"
_MAIL_MODULE = "google_cloud_pipeline_components.container.v1.vertex_notification_email.executor"


def steps(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the DAG's own tasks, wherever they are in a pipeline spec."""
    tasks = spec["root"]["dag"]["tasks"]
    return dict(spec["components"][DAG]["dag"]["tasks"] if DAG in tasks else tasks)


def add(job: dict[str, Any], config: CloudConfig, *, host: str = "") -> None:
    """Adds the notification steps of `config` to a compiled job; none if it has no recipients.

    Args:
      job: The compiled job, which is changed.
      config: Its `notify` part names the recipients.
      host: Address of the platform's pages; "" where the run itself tells.
    """
    recipients = config.notify
    if not recipients.webhook and not recipients.addresses:
        return
    spec = job["pipelineSpec"]
    tasks = spec["root"]["dag"]["tasks"]
    judges = [judge for judge in JUDGES if judge in tasks]
    if judges:
        # An e-mail reports only how the run ended.
        fails = ["--fail"] if recipients.addresses else []
        _add_verdict(spec, judges, _container(config, "verdict", host, fails))
    _wrap(spec)
    if recipients.webhook:
        told = _container(config, "end", host, [])
        _add(spec, END, told, {"status": "TASK_FINAL_STATUS", **dict.fromkeys(_RUN, "STRING")})
        _at_the_end(spec, END, "status", _RUN)
    if recipients.addresses:
        told = {
            "image": _MAIL_IMAGE,
            "command": ["python3", "-u", "-m", _MAIL_MODULE],
            "args": ["--type", "VertexNotificationEmail", "--payload", ""],
        }
        status = "pipeline_task_final_status"
        _add(spec, MAIL, told, {status: "TASK_FINAL_STATUS", "recipients": "LIST"})
        _at_the_end(spec, MAIL, status, {"recipients": list(recipients.addresses)})


def _container(config: CloudConfig, what: str, host: str, more: list[str]) -> dict[str, Any]:
    arguments = [what, "--task", config.names.own]
    if config.notify.webhook:
        arguments += ["--webhook", config.notify.webhook]
    if host:
        arguments += ["--host", host]
    arguments += [*more, "--executor_input", "{{$}}"]
    return {
        "image": str(config.container.image),
        "command": list(_COMMAND),
        "args": arguments,
    }


def _add(
    spec: dict[str, Any],
    name: str,
    container: Mapping[str, Any],
    parameters: Mapping[str, str],
    artifacts: Mapping[str, Any] | None = None,
) -> None:
    """Adds a component and its executor."""
    inputs: dict[str, Any] = {
        "parameters": {
            key: {"parameterType": kind, **({"isOptional": True} if "STATUS" in kind else {})}
            for key, kind in parameters.items()
        }
    }
    if artifacts:
        inputs["artifacts"] = dict(artifacts)
    spec["components"][name] = {"executorLabel": f"{name}_executor", "inputDefinitions": inputs}
    spec["deploymentSpec"]["executors"][f"{name}_executor"] = {"container": dict(container)}


def _add_verdict(spec: dict[str, Any], judges: Iterable[str], container: Mapping[str, Any]) -> None:
    """Adds the step that reads the blessings, after all others; it is never cached."""
    tasks = spec["root"]["dag"]["tasks"]
    outputs = {
        judge: spec["components"][judge]["outputDefinitions"]["artifacts"]["blessing"]
        for judge in judges
    }
    _add(
        spec,
        VERDICT,
        container,
        dict.fromkeys(_RUN, "STRING"),
        {judge: {"artifactType": output["artifactType"]} for judge, output in outputs.items()},
    )
    inputs = {
        "parameters": _constants(_RUN),
        "artifacts": {
            judge: {"taskOutputArtifact": {"producerTask": judge, "outputArtifactKey": "blessing"}}
            for judge in judges
        },
    }
    tasks[VERDICT] = {
        "componentRef": {"name": VERDICT},
        "taskInfo": {"name": VERDICT},
        "dependentTasks": sorted(tasks),
        "inputs": inputs,
    }


def _wrap(spec: dict[str, Any]) -> None:
    """Makes the DAG one task of the root, which passes the runtime parameters to it."""
    root = spec["root"]
    parameters = root.get("inputDefinitions", {}).get("parameters", {})
    spec["components"][DAG] = {
        "dag": {"tasks": root["dag"]["tasks"]},
        "inputDefinitions": {
            "parameters": {
                name: {"parameterType": parameter["parameterType"]}
                for name, parameter in parameters.items()
            }
        },
    }
    root["dag"]["tasks"] = {
        DAG: {
            "componentRef": {"name": DAG},
            "taskInfo": {"name": DAG},
            "inputs": {
                "parameters": {name: {"componentInputParameter": name} for name in parameters}
            },
        }
    }


def _at_the_end(spec: dict[str, Any], name: str, status: str, constants: Mapping[str, Any]) -> None:
    final = {status: {"taskFinalStatus": {"producerTask": DAG}}}
    spec["root"]["dag"]["tasks"][name] = {
        "componentRef": {"name": name},
        "taskInfo": {"name": name},
        "dependentTasks": [DAG],
        "inputs": {"parameters": {**final, **_constants(constants)}},
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    }


def _constants(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {"runtimeValue": {"constant": value}} for key, value in values.items()}
