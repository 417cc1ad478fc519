"""A local server for what `doctor` asks over HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import config as cloud_config
from pipelines.cloud.doctor import command as doctor
from pipelines.cloud.doctor import vertex as dv
from pipelines.cloud.doctor.check import Finding


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
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


ACCOUNT = "vision@p.iam.gserviceaccount.com"


@pytest.fixture
def google(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
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


def vertex_findings(server: Any, **values: object) -> dict[str, Finding]:
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
