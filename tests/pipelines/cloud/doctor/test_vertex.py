"""What will stop a first run on Vertex AI: Google's REST protocols on a local server."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import config as cloud_config
from pipelines.cloud.doctor import command as doctor
from pipelines.cloud.doctor import vertex as dv
from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN, Finding

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


def _vertex(server: Any, **values: object) -> dict[str, Finding]:
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


def test_a_project_in_which_all_is_well(google: Any) -> None:
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
    google: Any, call: str, answer: tuple, check: str, state: str, mend: str
) -> None:
    assert call in google.answers
    google.answers[call] = answer
    found = _vertex(google)[check]
    assert found.state == state and mend in found.mend, found


def test_a_lifecycle_rule_is_named(google: Any) -> None:
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
def test_the_quota_of_the_region(google: Any, accelerator: str, spot: bool, state: str) -> None:
    found = _vertex(google, accelerator=accelerator, spot=spot)["quota"]
    assert found.state == state, found
    assert "80gb" in found.said if "80gb" in accelerator else "80gb" not in found.said


def test_the_network_is_peered(google: Any) -> None:
    call = "GET /v1/services/servicenetworking.googleapis.com/connections"
    name = "projects/123/global/networks/n"
    google.answers[call] = (200, {"connections": [{"network": name}]})
    assert _vertex(google, network=name)["network"].state == OK
    google.answers[call] = (200, {})
    assert _vertex(google, network=name)["network"].state == STOPS
    assert "with the project's number" in _vertex(google, network="n")["network"].said


def test_without_credentials(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    found = _vertex(server)
    credentials = found.pop("credentials")
    assert credentials.state == STOPS and "application-default login" in credentials.mend
    # Said once; nothing else can be looked at.
    assert {one.state for one in found.values()} == {UNKNOWN}
