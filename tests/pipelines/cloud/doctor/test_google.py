"""Google's REST APIs as the user: credentials that are there, and that are not."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import config as cloud_config
from pipelines.cloud.doctor import google as google_apis
from pipelines.cloud.doctor.check import STOPS, UNKNOWN
from tests.pipelines.cloud.doctor.conftest import vertex_findings


def test_without_credentials(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    found = vertex_findings(server)
    credentials = found.pop("credentials")
    assert credentials.state == STOPS and "application-default login" in credentials.mend
    # Said once; nothing else can be looked at.
    assert {one.state for one in found.values()} == {UNKNOWN}


def _session(server: Any) -> google_apis.Google:
    config = cloud_config.build({"project": "p", "region": "r"})
    return google_apis.Google(config, google_apis.Addresses.at(server.address))  # type: ignore[arg-type]


def test_a_refused_key_is_said_with_the_command(google: Any) -> None:
    google.answers["POST /token"] = (400, {"error": "invalid_grant"})
    found = vertex_findings(google)["credentials"]
    assert found.state == STOPS and "gcloud auth" in found.mend, found


def test_a_session_sends_the_token_and_reads_status_and_json(google: Any) -> None:
    session = _session(google)
    url = f"{google.address}/storage/v1/b/bucket"
    assert session.get(url, fields="location", pageSize=5) == (200, {"location": "R"})
    assert google.asked[-1] == "/storage/v1/b/bucket?fields=location&pageSize=5"
    assert session.post(f"{google.address}/nothing", {})[0] == 404
    assert "Bearer t0ken" in google.bearers
    # The token is fetched once for all questions.
    assert len([path for path in google.asked if path == "/token"]) == 1


def test_an_answer_that_is_no_json_has_its_status(google: Any) -> None:
    google.headers["Content-Encoding"] = "identity"
    google.answers["GET /storage/v1/b/bucket"] = (503, "no object")
    assert _session(google).get(f"{google.address}/storage/v1/b/bucket") == (503, {})


@pytest.mark.parametrize(
    ("path", "bucket"),
    [("gs://b/c/d", "b"), ("gs://b", "b"), ("gs://b/", "b"), ("", "")],
)
def test_the_bucket_of_a_path(path: str, bucket: str) -> None:
    assert google_apis.bucket(path) == bucket


def test_a_refusal_says_what_google_said_in_one_line() -> None:
    body = {"error": {"message": "Permission\n  denied on 'p'"}}
    found = google_apis.refused("not shown", 403, body, "gcloud x")
    assert found.said == "not shown: 403 Permission denied on 'p'"
    assert (found.state, found.mend) == (UNKNOWN, "gcloud x")
    assert google_apis.refused("not shown", 500, {}, "").said == "not shown: 500"
