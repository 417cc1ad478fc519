"""The account of the runs: whether it is there, may be used, and what it may do."""

from typing import Any

import pytest

from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN
from tests.pipelines.cloud.doctor.conftest import ACCOUNT, vertex_findings


@pytest.mark.parametrize(
    ("call", "answer", "check", "state", "mend"),
    [
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
        (
            f"GET /v1/projects/-/serviceAccounts/{ACCOUNT}",
            (200, {"email": ACCOUNT, "disabled": True}),
            "service account",
            STOPS,
            f"service-accounts enable {ACCOUNT}",
        ),
        (
            f"POST /v1/projects/-/serviceAccounts/{ACCOUNT}:testIamPermissions",
            (403, {}),
            "service account",
            UNKNOWN,
            f"service-accounts describe {ACCOUNT}",
        ),
        ("POST /v1/projects/p:getIamPolicy", (403, {}), "its rights", UNKNOWN, "get-iam-policy p"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(
    google: Any, call: str, answer: tuple, check: str, state: str, mend: str
) -> None:
    assert call in google.answers
    google.answers[call] = answer
    found = vertex_findings(google)[check]
    assert found.state == state and mend in found.mend, found


def test_an_editor_of_the_project_needs_no_other_role(google: Any) -> None:
    """Google's basic roles hold all of it, so the bucket's policy is not even asked for."""
    member = {"role": "roles/editor", "members": ["user:a@b", f"serviceAccount:{ACCOUNT}"]}
    google.answers["POST /v1/projects/p:getIamPolicy"] = (200, {"bindings": [member]})
    del google.answers["GET /storage/v1/b/bucket/iam"]
    assert vertex_findings(google)["its rights"].state == OK


def test_another_accounts_roles_are_not_its_own(google: Any) -> None:
    others = [
        {"role": role, "members": ["serviceAccount:other@p.iam.gserviceaccount.com"]}
        for role in ("roles/owner", "roles/aiplatform.user", "roles/logging.logWriter")
    ]
    google.answers["POST /v1/projects/p:getIamPolicy"] = (200, {"bindings": others})
    found = vertex_findings(google)["its rights"]
    assert found.state == STOPS
    for role in ("roles/aiplatform.user", "roles/logging.logWriter"):
        assert f"--member serviceAccount:{ACCOUNT} --role {role}" in found.mend
    # The bucket's own policy still names it.
    assert "objectAdmin" not in found.mend


def test_a_writer_by_the_projects_policy_needs_none_of_the_bucket(google: Any) -> None:
    code, policy = google.answers["POST /v1/projects/p:getIamPolicy"]
    writer = {"role": "roles/storage.admin", "members": [f"serviceAccount:{ACCOUNT}"]}
    policy = {"bindings": [*policy["bindings"], writer]}
    google.answers["POST /v1/projects/p:getIamPolicy"] = (code, policy)
    google.answers["GET /storage/v1/b/bucket/iam"] = (200, {"bindings": []})
    assert vertex_findings(google)["its rights"].state == OK


def test_no_account_is_named(google: Any) -> None:
    found = vertex_findings(google, service_account=None)
    assert found["service account"].state == found["its rights"].state == UNKNOWN
    assert "--service-account" in found["service account"].mend
