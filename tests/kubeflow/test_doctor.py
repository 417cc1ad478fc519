"""What will stop a first run: against local servers of each protocol."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines import accelerators, cloud_config, doctor, doctor_image, doctor_kubeflow
from pipelines import doctor_vertex as dv
from pipelines.doctor import OK, STOPS, UNKNOWN, Finding

ACCOUNT = "vision@p.iam.gserviceaccount.com"
DIGEST = "sha256:" + "0" * 64


class Server:
    """Answers `METHOD /path` with what `answers` says: a status and a JSON body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.bearers: set[str | None] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                call = f"{self.command} {self.path.partition('?')[0]}"
                server.asked.append(self.path)
                server.bearers.add(self.headers.get("Authorization"))
                code, body = server.answers.get(call, (404, {"error": {"message": "no such"}}))
                content = json.dumps(body).encode()
                self.send_response(code)
                for key, value in server.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _do

            def log_message(self, *args: object) -> None:
                del args

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._http.server_address[1]}"
        self.address = f"http://{self.place}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def google(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Returns a project in which all is well, and a key that its token server accepts."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "key.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "me@p.iam.gserviceaccount.com",
                "private_key": key.decode(),
                "token_uri": f"{server.address}/token",
                "project_id": "p",
            }
        )
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    user = {"role": "roles/aiplatform.user", "members": [f"serviceAccount:{ACCOUNT}"]}
    logs = {"role": "roles/logging.logWriter", "members": [f"serviceAccount:{ACCOUNT}"]}
    writer = {"role": "roles/storage.objectAdmin", "members": [f"serviceAccount:{ACCOUNT}"]}
    services = [
        {"name": f"projects/123/services/{name}", "state": "ENABLED"} for name in dv.SERVICES
    ]
    metrics = [
        _metric("custom_model_training_nvidia_l4_gpus", {"r": 1, "elsewhere": 8}),
        _metric("custom_model_training_preemptible_nvidia_l4_gpus", {"": 4}),
        _metric("custom_model_training_nvidia_a100_80gb_gpus", {"": 8}),
        _metric("custom_model_training_nvidia_a100_gpus", {"": 0}),
        _metric("custom_model_training_tpu_v5e", {"": -1}),
    ]
    account = f"/v1/projects/-/serviceAccounts/{ACCOUNT}"
    usage = "/v1beta1/projects/p/services/aiplatform.googleapis.com/consumerQuotaMetrics"
    server.answers = {
        "POST /token": (200, {"access_token": "t0ken", "expires_in": 3600}),
        "GET /v1/projects/p/services:batchGet": (200, {"services": services}),
        "POST /v1/projects/p:testIamPermissions": (200, {"permissions": list(dv.MINE)}),
        "POST /v1/projects/p:getIamPolicy": (200, {"bindings": [user, logs]}),
        "GET /storage/v1/b/bucket": (200, {"location": "R"}),
        "GET /storage/v1/b/bucket/iam": (200, {"bindings": [writer]}),
        "GET /storage/v1/b/bucket/o": (200, {"items": [{"name": "digits/a.png"}]}),
        f"GET {account}": (200, {"email": ACCOUNT}),
        f"POST {account}:testIamPermissions": (
            200,
            {"permissions": ["iam.serviceAccounts.actAs"]},
        ),
        f"GET {usage}": (200, {"metrics": metrics}),
    }
    return server


def _metric(name: str, limits: dict[str, int]) -> dict[str, Any]:
    buckets = [
        {"effectiveLimit": str(limit), **({"dimensions": {"region": region}} if region else {})}
        for region, limit in limits.items()
    ]
    return {
        "metric": f"aiplatform.googleapis.com/{name}",
        "consumerQuotaLimits": [{"quotaBuckets": buckets}],
    }


def _vertex(server: Server, **values: object) -> dict[str, Finding]:
    config = cloud_config.build(
        {
            "task": "digits",
            "data": "gs://bucket/digits/span-{SPAN}",
            "pipeline_root": "gs://bucket/root",
            "project": "p",
            "region": "r",
            "service_account": ACCOUNT,
            **values,
        }
    )
    found = dv.checks(config, dv.Addresses.at(server.address))
    return {check.name: doctor._look(check) for check in found}


def test_a_project_in_which_all_is_well(google: Server) -> None:
    found = _vertex(google)
    assert {one.state for one in found.values()} == {OK}, found
    # Google's own library has signed with the key and shown the token.
    assert "Bearer t0ken" in google.bearers


@pytest.mark.parametrize(
    ("call", "answer", "check", "state", "mend"),
    [
        ("GET /v1/projects/p/services:batchGet", (200, {}), "APIs", STOPS, "services enable aipl"),
        ("GET /v1/projects/p/services:batchGet", (404, {}), "APIs", STOPS, "Correct --project"),
        ("GET /v1/projects/p/services:batchGet", (403, {}), "APIs", UNKNOWN, "services list"),
        ("POST /v1/projects/p:testIamPermissions", (200, {}), "your rights", STOPS, "roles/aipl"),
        ("GET /storage/v1/b/bucket", (404, {}), "pipeline root", STOPS, "buckets create gs://bu"),
        ("GET /storage/v1/b/bucket", (403, {}), "pipeline root", UNKNOWN, "buckets describe"),
        (
            "GET /storage/v1/b/bucket",
            (200, {"location": "US-EAST1"}),
            "pipeline root",
            UNKNOWN,
            "bucket in r",
        ),
        ("GET /storage/v1/b/bucket/iam", (200, {}), "its rights", STOPS, "storage.objectAdmin"),
        ("GET /storage/v1/b/bucket/iam", (403, {}), "its rights", UNKNOWN, "get-iam-policy gs://"),
        ("POST /v1/projects/p:getIamPolicy", (200, {}), "its rights", STOPS, "aiplatform.user"),
        (
            f"GET /v1/projects/-/serviceAccounts/{ACCOUNT}",
            (404, {}),
            "service account",
            STOPS,
            "service-accounts create vision",
        ),
        (
            f"POST /v1/projects/-/serviceAccounts/{ACCOUNT}:testIamPermissions",
            (200, {}),
            "service account",
            STOPS,
            "roles/iam.serviceAccountUser",
        ),
        ("GET /storage/v1/b/bucket/o", (200, {}), "data", STOPS, "upload --task digits"),
        ("POST /token", (400, {"error": "invalid_grant"}), "credentials", STOPS, "gcloud auth"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(
    google: Server, call: str, answer: tuple, check: str, state: str, mend: str
) -> None:
    assert call in google.answers
    google.answers[call] = answer
    found = _vertex(google)[check]
    assert found.state == state and mend in found.mend, found


def test_a_lifecycle_rule_is_named(google: Server) -> None:
    rule = {"action": {"type": "Delete"}, "condition": {"age": 30}}
    bucket = {"location": "R", "lifecycle": {"rule": [rule]}}
    google.answers["GET /storage/v1/b/bucket"] = (200, bucket)
    assert "deletes after 30 days" in _vertex(google)["pipeline root"].said


@pytest.mark.parametrize(
    ("accelerator", "spot", "state"),
    [
        ("nvidia-l4", False, OK),
        ("nvidia-l4:2", False, STOPS),
        ("nvidia-l4:4", True, OK),
        ("nvidia-a100", False, STOPS),
        ("nvidia-a100-80gb:8", False, OK),
        ("tpu-v5e-8", False, OK),
        ("nvidia-t4", False, UNKNOWN),
    ],
)
def test_the_quota_of_the_region(google: Server, accelerator: str, spot: bool, state: str) -> None:
    found = _vertex(google, accelerator=accelerator, spot=spot)["quota"]
    assert found.state == state, found
    assert "80gb" in found.said if "80gb" in accelerator else "80gb" not in found.said


def test_the_network_is_peered(google: Server) -> None:
    call = "GET /v1/services/servicenetworking.googleapis.com/connections"
    name = "projects/123/global/networks/n"
    google.answers[call] = (200, {"connections": [{"network": name}]})
    assert _vertex(google, network=name)["network"].state == OK
    google.answers[call] = (200, {})
    assert _vertex(google, network=name)["network"].state == STOPS
    assert "with the project's number" in _vertex(google, network="n")["network"].said


def test_without_credentials(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    found = _vertex(server)
    assert {one.state for one in found.values()} == {STOPS}
    assert "application-default login" in found["data"].mend


MANIFEST = {"config": {"digest": "sha256:c"}, "schemaVersion": 2}


def test_an_image_in_its_registry(server: Server) -> None:
    """The registry's own protocol, for a private one, a public one, and several platforms."""
    image = f"{server.place}/vision/tfx-vision@{DIGEST}"
    assert doctor_image.look(image).state == STOPS
    index = {"manifests": [{"digest": "sha256:m", "platform": {"architecture": "amd64"}}]}
    labels = {"config": {"Labels": {"org.opencontainers.image.revision": "0000000"}}}
    base = "GET /v2/vision/tfx-vision"
    server.answers = {
        f"{base}/manifests/{DIGEST}": (200, index),
        f"{base}/manifests/latest": (200, MANIFEST),
        f"{base}/manifests/sha256:m": (200, MANIFEST),
        f"{base}/blobs/sha256:c": (200, labels),
    }
    other = doctor_image.look(image)
    assert other.state == UNKNOWN and "built from revision 0000000" in other.said
    revision = doctor_image._revision()[:7]
    labels["config"]["Labels"]["org.opencontainers.image.revision"] = revision
    assert f"built from this checkout ({revision})" in doctor_image.look(image).said
    server.headers = {"Docker-Content-Digest": DIGEST}
    unpinned = doctor_image.look(f"{server.place}/vision/tfx-vision")
    assert unpinned.state == OK and unpinned.mend.endswith(f"/tfx-vision@{DIGEST}")
    server.answers[f"{base}/manifests/{DIGEST}"] = (401, {})
    assert "docker manifest inspect" in doctor_image.look(image).mend


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("a.pkg.dev/p/r/n:1@sha256:0", ("a.pkg.dev", "p/r/n", "sha256:0")),
        ("localhost:5000/n:1", ("localhost:5000", "n", "1")),
        ("user/n", ("registry-1.docker.io", "user/n", "latest")),
        ("busybox", ("registry-1.docker.io", "library/busybox", "latest")),
    ],
)
def test_names_of_images(image: str, parts: tuple) -> None:
    assert doctor_image.split(image) == parts


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


def _kubeflow(**values: object) -> dict[str, Finding]:
    checks = doctor_kubeflow.checks(cloud_config.build({**KUBEFLOW, **values}))
    return {check.name: doctor._look(check) for check in checks}


@pytest.mark.usefixtures("_no_pauses")
def test_what_kubectl_shows(kubectl: Callable[[dict[str, Any]], None]) -> None:
    claim = {"status": {"phase": "Bound"}, "spec": {"accessModes": ["ReadWriteMany"]}}
    environment = [{"name": "CRON_SCHEDULE_TIMEZONE", "value": "Europe/Berlin"}]
    controller = {"spec": {"template": {"spec": {"containers": [{"env": environment}]}}}}
    labels = accelerators.find("nvidia-l4", "kubeflow").node_selector
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


@pytest.mark.usefixtures("_no_pauses")
def test_without_kubectl_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = _kubeflow()["volume vision"]
    assert found == Finding(UNKNOWN, "kubectl is not here", "kubectl get pvc vision -n team")


@pytest.mark.slow
def test_without_a_network_it_ends_soon_and_says_so(tmp_path: Path) -> None:
    """The command itself, in a network namespace of its own where that can be had."""
    config = tmp_path / "cluster.toml"
    config.write_text(
        'target = "kubeflow"\nhost = "http://10.255.255.1"\npipeline_root = "minio://m/r"\n'
        'serving_root = "/mnt/serving"\nimage = "example.com/a/b@sha256:0"\n'
    )
    command = [
        *(sys.executable, "-m", "pipelines.run_kubeflow", "doctor", "--config", str(config)),
        *("--task", "digits", "--data", "/mnt/digits"),
    ]
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0:
        command = ["unshare", "-n", *command]
    begin = time.monotonic()
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert time.monotonic() - begin < 150
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok           configuration")
    assert any(line.startswith("will stop    API server") for line in lines)
    assert any(line.startswith("cannot tell  image") for line in lines)
    assert lines[-1].endswith("cannot be told here") and "Traceback" not in done.stderr
