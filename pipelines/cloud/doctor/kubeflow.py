"""Checks what would stop a first run on Kubeflow, with its API and, if installed, kubectl."""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import requests

from components.service_calls import ServiceError
from pipelines.cloud import accelerators
from pipelines.cloud.doctor import image as doctor_image
from pipelines.cloud.doctor.check import OK, STOPS, TIMEOUT, UNKNOWN, Check, Finding
from pipelines.cloud.kubeflow import kubernetes
from pipelines.cloud.kubeflow import metadata as kfp_metadata
from pipelines.cloud.kubeflow.config import KubeflowConfig
from pipelines.cloud.kubeflow.connection import COOKIE_VARIABLE, TOKEN_VARIABLE, Connection
from pipelines.cloud.kubeflow.service import KubeflowService

# Supports 2.1 specs; from 2.14 on also the final status that webhooks need.
_OLDEST, _TELLS_STATUS = (2, 0), (2, 14)
_SECONDS = 20
_ACCOUNT = "pipeline-runner"


def checks(config: KubeflowConfig) -> list[Check]:
    """Returns the checks of this target."""
    listed = [
        Check("API server", lambda: _api(config)),
        Check("who you are", lambda: _access(config)),
        Check("metadata store", lambda: _metadata(config)),
        Check("time zone", lambda: _time_zone(config)),
    ]
    images = dict.fromkeys(
        image for image in (config.container.image, config.container.training_image) if image
    )
    listed += [Check("image", partial(doctor_image.look, image)) for image in images]
    for value in config.container.volumes:
        claim, path = kubernetes.volume(value)
        listed.append(Check(f"volume {claim}", partial(_volume, config, claim, path)))
    for value in config.container.secrets:
        secret, key, _ = kubernetes.secret(value)
        listed.append(Check(f"secret {secret}", partial(_secret, config, secret, key)))
    account = config.container.service_account or _ACCOUNT
    listed.append(Check("service account", lambda: _exists(config, "serviceaccount", account)))
    if config.container.volumes:
        listed.append(Check("fsGroup", lambda: _fs_group(config)))
    if config.accelerator.name != accelerators.CPU:
        listed.append(Check("nodes", lambda: _nodes(config)))
    return listed


def _api(config: KubeflowConfig) -> Finding:
    connection = Connection(config.server.host or "", config.server.namespace)
    host, headers = connection.address, connection.headers
    # The generated client does not have the response's version.
    try:
        answer = requests.get(f"{host}/apis/v2beta1/healthz", headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        return Finding(
            STOPS,
            f"{host} does not answer: {type(error).__name__}",
            "Check --host; kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80",
        )
    if answer.status_code in (401, 403):
        return Finding(
            STOPS,
            f"{host} asks for a login",
            f"Set {TOKEN_VARIABLE} or {COOKIE_VARIABLE}: docs/kubeflow.md.",
        )
    try:
        health = dict(answer.json()) if answer.ok else {}
    except ValueError:
        health = {}
    if "tag_name" not in health and "multi_user" not in health:
        return Finding(
            STOPS,
            f"{host} is not Kubeflow Pipelines 2 (status {answer.status_code})",
            "Check --host; it must be the address of svc/ml-pipeline-ui.",
        )
    return version_found(str(health.get("tag_name", "unknown")), bool(config.notify.webhook))


def version_found(tag: str, webhook: bool) -> Finding:
    """Returns whether a version of the API server supports this project's jobs."""
    parts = tag.lstrip("v").split("-")[0].split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return Finding(
            UNKNOWN,
            f"it responds, and reports its version as '{tag}'",
            "Tested with 2.14; the user interface shows the version below the menu.",
        )
    version = (int(parts[0]), int(parts[1]))
    if version < _OLDEST:
        return Finding(
            STOPS, f"version {tag} does not support v2 pipelines", "Install 2.14 or newer."
        )
    if webhook and version < _TELLS_STATUS:
        return Finding(
            STOPS,
            (
                f"version {tag} does not support the final status of a task ('task final status "
                "not supported yet')"
            ),
            "Install 2.14 or newer, or leave --notify-webhook out.",
        )
    if version[0] > 2:
        return Finding(
            UNKNOWN,
            f"version {tag} is newer than the tested version (2.14)",
            "Versions from 3.0 on have no ML Metadata store to read blessings from.",
        )
    return Finding(OK, f"version {tag}")


def _access(config: KubeflowConfig) -> Finding:
    schedules = KubeflowService(config).schedules()
    where = (
        f"namespace {config.server.namespace}" if config.server.namespace else "the only namespace"
    )
    return Finding(OK, f"{where} lists its schedules ({len(schedules)})")


def _metadata(config: KubeflowConfig) -> Finding:
    try:
        connection = Connection(config.server.host or "", config.server.namespace)
        kfp_metadata.blessings(connection.address, "doctor", connection.headers)
    except ServiceError as error:
        if "does not know the run" in str(error):
            return Finding(OK, "it responds behind --host")
        return Finding(
            UNKNOWN, str(error), "Without it `submit --wait` cannot say whether a model is blessed."
        )
    return Finding(OK, "it responds behind --host")


def _time_zone(config: KubeflowConfig) -> Finding:
    def judge(answer: dict[str, Any]) -> Finding:
        variables = [
            variable
            for container in answer["spec"]["template"]["spec"]["containers"]
            for variable in container.get("env", [])
            if variable["name"] == "CRON_SCHEDULE_TIMEZONE"
        ]
        zone = variables[0].get("value") if variables else "UTC"
        return Finding(OK, f"schedules use the time zone {zone or 'set in its ConfigMap'}")

    return _kubectl(
        config, ["get", "deployment", "ml-pipeline-scheduledworkflow", "-n", "kubeflow"], judge
    )


def _volume(config: KubeflowConfig, claim: str, path: str) -> Finding:
    def judge(answer: dict[str, Any]) -> Finding:
        phase, modes = answer["status"].get("phase"), answer["spec"]["accessModes"]
        if phase != "Bound" and phase != "Pending":
            return Finding(STOPS, f"{claim} is {phase}", f"kubectl describe pvc {claim}")
        if "ReadWriteMany" not in modes:
            return Finding(
                STOPS,
                (
                    f"{claim} is {'/'.join(modes)}: steps on two different nodes "
                    f"cannot both mount {path}"
                ),
                "Use ReadWriteMany, or keep every pod on one node with a node selector.",
            )
        return Finding(OK, f"{claim} is {phase}, {'/'.join(modes)}, for {path}")

    return _kubectl(config, ["get", "pvc", claim], judge)


def _secret(config: KubeflowConfig, secret: str, key: str) -> Finding:
    def judge(answer: dict[str, Any]) -> Finding:
        if key in answer.get("data", {}):
            return Finding(OK, f"{secret} has the key {key}")
        there = ", ".join(sorted(answer.get("data", {}))) or "none"
        return Finding(STOPS, f"{secret} has no key {key}; it has {there}", "Correct --secret.")

    return _kubectl(config, ["get", "secret", secret], judge)


def _exists(config: KubeflowConfig, kind: str, name: str) -> Finding:
    return _kubectl(config, ["get", kind, name], lambda _: Finding(OK, f"{name} exists"))


def _fs_group(config: KubeflowConfig) -> Finding:
    def judge(answer: dict[str, Any]) -> Finding:
        if "fsGroup" in answer.get("data", {}).get("workflowDefaults", ""):
            return Finding(OK, "pods run with the volume's group")
        return Finding(
            UNKNOWN,
            "pods get no fsGroup: the first step will stop with an error if root owns the volume",
            "docs/kubeflow.md, 'A volume of root'.",
        )

    return _kubectl(
        config, ["get", "configmap", "workflow-controller-configmap", "-n", "kubeflow"], judge
    )


def _nodes(config: KubeflowConfig) -> Finding:
    accelerator = accelerators.KUBERNETES.find(config.accelerator.name)
    labels = dict(config.accelerator.node_selector) or accelerator.node_selector
    selector = ",".join(f"{key}={value}" for key, value in labels.items())

    def judge(answer: dict[str, Any]) -> Finding:
        if answer.get("items"):
            return Finding(OK, f"{len(answer['items'])} nodes have {selector}")
        return Finding(
            UNKNOWN,
            f"no node has {selector} now",
            "This is fine if a node pool scales up from zero; otherwise set your nodes' labels "
            "under [node_selector].",
        )

    return _kubectl(config, ["get", "nodes", "-l", selector], judge)


def _kubectl(
    config: KubeflowConfig, command: list[str], judge: Callable[[dict[str, Any]], Finding]
) -> Finding:
    """Evaluates kubectl's output for an object; without kubectl, the remedy is the command."""
    if "-n" not in command and "nodes" not in command:
        command = [*command, "-n", config.server.namespace or "kubeflow"]
    shown = " ".join(["kubectl", *command])
    program = shutil.which("kubectl")
    if program is None:
        return Finding(UNKNOWN, "kubectl is not installed", shown)
    done = subprocess.run(
        [program, *command, "-o", "json", f"--request-timeout={_SECONDS}s"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS + 10,
    )
    if done.returncode == 0:
        return judge(json.loads(done.stdout))
    # kubectl repeats itself before its last line.
    said = (done.stderr.strip().splitlines() or ["no reason"])[-1]
    if "NotFound" in said:
        return Finding(
            STOPS, said, f"{shown}: docs/kubeflow.md, 'Once per cluster', shows how to create it."
        )
    return Finding(UNKNOWN, said[:300], shown)
