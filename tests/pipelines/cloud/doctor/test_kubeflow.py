"""What will stop a first run on Kubeflow: kubectl's answers, versions, and no network at all."""

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import accelerators
from pipelines.cloud import config as cloud_config
from pipelines.cloud.doctor import command as doctor
from pipelines.cloud.doctor import kubeflow as doctor_kubeflow
from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN, Finding

KUBEFLOW = {
    "target": "kubeflow",
    "task": "digits",
    "data": "/mnt/digits",
    "pipeline_root": "minio://mlpipeline/r",
    "serving_root": "/mnt/serving",
    "host": "http://127.0.0.1:9",
    "namespace": "team",
    "volumes": ("vision=/mnt",),
    "secrets": ("hook:url=HOOK",),
    "accelerator": "nvidia-l4",
}


@pytest.mark.parametrize(
    ("tag", "webhook", "state"),
    [
        ("2.14.3", True, OK),
        ("v2.5.0", False, OK),
        ("2.5.0", True, STOPS),
        ("1.8.5", False, STOPS),
        ("3.0.0", False, UNKNOWN),
        ("unknown", False, UNKNOWN),
    ],
)
def test_versions_of_kubeflow(tag: str, webhook: bool, state: str) -> None:
    assert doctor_kubeflow.version_found(tag, webhook).state == state


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Returns what puts a kubectl on the path that shows these objects, and no others."""

    def put(objects: dict[str, Any]) -> None:
        (tmp_path / "objects.json").write_text(json.dumps(objects))
        program = tmp_path / "kubectl"
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"objects = json.load(open({str(tmp_path / 'objects.json')!r}))\n"
            "what = ' '.join(sys.argv[2:4])\n"
            "if what in objects: print(json.dumps(objects[what])); sys.exit()\n"
            "sys.exit(f'Error from server (NotFound): {what} not found')\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


def _kubeflow(**values: object) -> dict[str, Finding]:
    checks = doctor_kubeflow.checks(cloud_config.build({**KUBEFLOW, **values}))
    return {check.name: doctor._look(check) for check in checks}


@pytest.mark.usefixtures("_no_pauses")
def test_what_kubectl_shows(kubectl: Callable[[dict[str, Any]], None]) -> None:
    claim = {"status": {"phase": "Bound"}, "spec": {"accessModes": ["ReadWriteMany"]}}
    environment = [{"name": "CRON_SCHEDULE_TIMEZONE", "value": "Europe/Berlin"}]
    controller = {"spec": {"template": {"spec": {"containers": [{"env": environment}]}}}}
    labels = accelerators.KUBERNETES.find("nvidia-l4").node_selector
    (selector,) = (f"{key}={value}" for key, value in labels.items())
    workflows = {"data": {"workflowDefaults": "{spec: {securityContext: {fsGroup: 1000}}}"}}
    objects = {
        "pvc vision": claim,
        "secret hook": {"data": {"url": "eA=="}},
        "serviceaccount pipeline-runner": {},
        "configmap workflow-controller-configmap": workflows,
        "deployment ml-pipeline-scheduledworkflow": controller,
        "nodes -l": {"items": [{}]},
    }
    kubectl(objects)
    found = _kubeflow()
    names = ("volume vision", "secret hook", "service account", "fsGroup", "time zone", "nodes")
    assert {found[name].state for name in names} == {OK}, found
    assert "Europe/Berlin" in found["time zone"].said and selector in found["nodes"].said
    # Nothing listens there.
    assert found["API server"].state == STOPS and "port-forward" in found["API server"].mend

    claim["spec"]["accessModes"] = ["ReadWriteOnce"]
    kubectl({"pvc vision": claim, "secret hook": {"data": {}}})
    found = _kubeflow()
    assert "cannot both mount" in found["volume vision"].said
    assert found["secret hook"].state == STOPS and "has no key url" in found["secret hook"].said
    assert found["service account"].state == STOPS


RESOURCES = {
    "v1": {
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "configmaps": "ConfigMap",
        "nodes": "Node",
    },
    "apps/v1": {"deployments": "Deployment"},
}


def _kubernetes(server: Any, objects: dict[str, Any]) -> None:
    """Makes a server one that kubectl takes for the API of Kubernetes."""
    versions = [{"groupVersion": "apps/v1", "version": "v1"}]
    groups = [{"name": "apps", "versions": versions, "preferredVersion": versions[0]}]
    server.answers = {
        "GET /api": (200, {"kind": "APIVersions", "versions": ["v1"]}),
        "GET /apis": (200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}),
    }
    for version, kinds in RESOURCES.items():
        resources = [
            {"name": name, "singularName": kind.lower(), "namespaced": name != "nodes"}
            | {"kind": kind, "verbs": ["get", "list"]}
            | ({"shortNames": ["pvc"]} if kind == "PersistentVolumeClaim" else {})
            for name, kind in kinds.items()
        ]
        place = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        listed = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        server.answers[f"GET {place}"] = (200, listed)
        for path, found in objects.items():
            kind = path.split("/")[-2] if path.count("/") else path
            if kind in kinds:
                whole = {"apiVersion": version, "kind": kinds[kind], "metadata": {"name": "x"}}
                server.answers[f"GET {place}/{path}"] = (200, whole | found)


@pytest.mark.usefixtures("_no_pauses")
def test_what_the_real_kubectl_shows(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    place = {"cluster": {"server": server.address}, "name": "c"}
    context = {"context": {"cluster": "c", "user": ""}, "name": "c"}
    (tmp_path / "kubeconfig").write_text(
        json.dumps(
            {"apiVersion": "v1", "kind": "Config", "clusters": [place], "contexts": [context]}
            | {"current-context": "c"}
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    claim = {"status": {"phase": "Bound"}, "spec": {"accessModes": ["ReadWriteMany"]}}
    secret = {"data": {"other": "eA=="}}
    _kubernetes(
        server,
        {
            "namespaces/team/persistentvolumeclaims/vision": claim,
            "namespaces/team/secrets/hook": secret,
        },
    )
    found = _kubeflow()
    assert found["volume vision"].state == OK, found["volume vision"]
    assert "it has other" in found["secret hook"].said
    # What the server does not know, kubectl calls NotFound.
    assert found["service account"].state == UNKNOWN or "NotFound" in found["service account"].said
    server.stop()
    gone = _kubeflow()["volume vision"]
    assert gone.state == UNKNOWN and gone.mend == "kubectl get pvc vision -n team"
    assert "refused" in gone.said and len(gone.said) < 200


@pytest.mark.usefixtures("_no_pauses")
def test_without_kubectl_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = _kubeflow()["volume vision"]
    assert found == Finding(UNKNOWN, "kubectl is not installed", "kubectl get pvc vision -n team")
