"""What will stop a first run on Vertex AI: Google's REST protocols on a local server."""

from typing import Any

import pytest

from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN
from tests.pipelines.cloud.doctor.conftest import vertex_findings


def test_a_project_in_which_all_is_well(google: Any) -> None:
    found = vertex_findings(google)
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
        ("GET /storage/v1/b/bucket/o", (200, {}), "data", STOPS, "upload --task digits"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(
    google: Any, call: str, answer: tuple, check: str, state: str, mend: str
) -> None:
    assert call in google.answers
    google.answers[call] = answer
    found = vertex_findings(google)[check]
    assert found.state == state and mend in found.mend, found


def test_a_lifecycle_rule_is_named(google: Any) -> None:
    rule = {"action": {"type": "Delete"}, "condition": {"age": 30}}
    bucket = {"location": "R", "lifecycle": {"rule": [rule]}}
    google.answers["GET /storage/v1/b/bucket"] = (200, bucket)
    assert "deletes after 30 days" in vertex_findings(google)["pipeline root"].said


def test_the_network_is_peered(google: Any) -> None:
    call = "GET /v1/services/servicenetworking.googleapis.com/connections"
    name = "projects/123/global/networks/n"
    google.answers[call] = (200, {"connections": [{"network": name}]})
    assert vertex_findings(google, network=name)["network"].state == OK
    google.answers[call] = (200, {})
    assert vertex_findings(google, network=name)["network"].state == STOPS
    assert "with the project's number" in vertex_findings(google, network="n")["network"].said
