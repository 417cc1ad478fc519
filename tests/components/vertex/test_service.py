"""Calls and long operations, against a server that fails as told."""

import pytest

from components.service_calls import ATTEMPTS, ServiceError
from components.vertex.settings import Deployment
from tests.components.vertex.releases import release, status, traffic, versions
from tests.components.vertex.serving_service import FakeServing


def test_retries_a_503_and_gives_up(serving: FakeServing, settings: Deployment) -> None:
    unavailable = status("UNAVAILABLE")
    serving.failures |= {name: [unavailable] for name in ("UploadModel", "GetOperation")}
    release(settings, 1)
    assert len(versions(serving)) == 1
    serving.failures["UploadModel"] = [unavailable] * 99
    with pytest.raises(ServiceError, match=f"All {ATTEMPTS} attempts"):
        release(settings, 2)
    assert len(versions(serving)) == 1


@pytest.mark.parametrize("method", ["ListModels", "UploadModel", "DeployModel"])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PERMISSION_DENIED", "docs/vertex.md lists the roles"),
        ("RESOURCE_EXHAUSTED", "a quota is exhausted"),
    ],
)
def test_lasting_errors_are_said_at_once(
    serving: FakeServing, settings: Deployment, method: str, code: str, message: str
) -> None:
    serving.failures[method] = [status(code)]
    with pytest.raises(ServiceError, match=message):
        release(settings, 1)
    assert serving.calls.count(method) == 1
    # What was registered before is found by the next attempt.
    release(settings, 1)
    assert len(versions(serving)) == 1 and traffic(serving) == {"1": 100}


@pytest.mark.parametrize("method", ["UploadModel", "DeployModel"])
def test_an_operation_that_ends_with_an_error(
    serving: FakeServing, settings: Deployment, method: str
) -> None:
    serving.endings[method] = [(status("RESOURCE_EXHAUSTED"), "custom_model_serving_cpus")]
    with pytest.raises(ServiceError, match="failed.*a quota is exhausted.*model_serving_cpus"):
        release(settings, 1)


def test_an_operation_that_never_ends_is_left_running(
    serving: FakeServing, settings: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.vertex import service

    monkeypatch.setattr(service, "LONGEST", 0.05)
    serving.polls = 10**6
    with pytest.raises(ServiceError, match="is still running as .*/models/flowers/operations/0"):
        release(settings, 1)
    assert len(serving.uploads) == 1 and not serving.versions


def test_nothing_is_waited_for_where_operations_cannot_be_listed(
    serving: FakeServing, settings: Deployment
) -> None:
    from components.vertex.service import Service

    for name in ("UNIMPLEMENTED", "NOT_FOUND"):
        serving.failures["ListOperations"] = [status(name)]
        asked = Service(settings)
        asked.settle(asked.models, "projects/p/locations/r/models/flowers")
    assert serving.calls == ["ListOperations"] * 2


def test_an_object_that_exists_already_is_looked_up(
    serving: FakeServing, settings: Deployment
) -> None:
    """Its own lost request made it; it only becomes visible with the third look."""
    from google.api_core import exceptions

    from components.vertex.service import Service

    looks = iter([None, "found"])

    def exists(**_: object) -> None:
        raise exceptions.AlreadyExists("flowers")

    assert Service(settings).call(exists, {}, lambda: next(looks)) == "found"
    with pytest.raises(ServiceError, match=f"AlreadyExists.*All {ATTEMPTS} attempts"):
        Service(settings).call(exists, {})
