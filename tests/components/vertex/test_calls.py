"""Clients of Vertex AI's services, and what their errors say."""

from typing import Any

import google.auth.exceptions
import grpc
import pytest
from google.api_core import exceptions

from components.service_calls import ServiceError
from components.vertex import calls
from tests.components.vertex.serving_service import PLACE, FakeServing

WHERE = "Vertex AI (projects/p/locations/r)"


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: code.name)
def test_a_further_attempt_is_made_where_it_may_help(code: grpc.StatusCode) -> None:
    """Over the library's own translation of a status, as a client raises it."""
    error = exceptions.from_grpc_status(code, "says the server")
    assert calls.is_transient(error) == (
        code.name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "ABORTED")
    )


def test_a_broken_connection_is_transient_and_a_mistake_is_not() -> None:
    assert calls.is_transient(ConnectionResetError("peer"))
    assert not calls.is_transient(ValueError("a mistake"))


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("UNAUTHENTICATED", "gcloud auth application-default login"),
        ("PERMISSION_DENIED", "docs/vertex.md lists the roles"),
        ("RESOURCE_EXHAUSTED", "IAM & Admin > Quotas"),
    ],
)
def test_an_error_names_the_place_the_cause_and_the_way_out(code: str, way_out: str) -> None:
    error = exceptions.from_grpc_status(grpc.StatusCode[code], "Says the server.")
    text = calls.explain(error, WHERE)
    assert text.startswith(WHERE) and "Says the server." in text and way_out in text


def test_missing_credentials_are_explained_like_refused_ones() -> None:
    error = google.auth.exceptions.DefaultCredentialsError("Nothing was found.")
    text = calls.explain(error, WHERE)
    assert "Nothing was found." in text and "GOOGLE_APPLICATION_CREDENTIALS" in text


def test_another_error_is_named_with_its_kind() -> None:
    assert calls.explain(exceptions.InvalidArgument("bad field"), WHERE) == (
        f"{WHERE}: InvalidArgument: bad field"
    )


def test_a_client_without_credentials_is_an_explained_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from google.cloud import aiplatform_v1 as api

    def none(**_: Any) -> Any:
        raise google.auth.exceptions.DefaultCredentialsError("Nothing was found.")

    monkeypatch.setattr(google.auth, "default", none)
    with pytest.raises(ServiceError, match="Vertex AI .*does not accept your credentials: Nothing"):
        calls.client(api.ModelServiceClient, "europe-west4", where=WHERE)


def test_an_address_takes_the_place_of_the_regions_own(serving: FakeServing) -> None:
    from google.cloud import aiplatform_v1 as api

    client = calls.client(
        api.ModelServiceClient, "europe-west4", serving.server.address, where=WHERE
    )
    request = {"parent": PLACE, "filter": 'display_name="none"'}
    assert not list(client.list_models(request=request, retry=None, timeout=calls.TIMEOUT))
    assert serving.calls == ["ListModels"]
