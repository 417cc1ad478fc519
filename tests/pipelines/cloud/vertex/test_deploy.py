"""Registering and deploying on Vertex AI, against a local server of its gRPC services."""

import dataclasses
from typing import Any

import pytest

from components.service_calls import ATTEMPTS, ServiceError
from components.vertex.settings import Deployment

LOST = "lost"
IMAGE = "europe-docker.pkg.dev/p/r/tfx-vision@sha256:0123"
PREBUILT = "europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
FOLDER = "gs://b/serving/flowers"


@pytest.fixture
def settings(serving: Any) -> Deployment:
    return Deployment(
        project="p",
        region="r",
        address=serving.server.address,
        task="flowers",
        model="Flowers",
        image=IMAGE,
        endpoint="flowers-live",
    )


def _release(settings: Deployment, version: int, **changes: Any) -> dict[str, str]:
    from components.vertex.deploy import released

    changed = dataclasses.replace(settings, **changes)
    return released(changed, f"{FOLDER}/{version}/", "flowers-20260101-abc")


def _code(name: str) -> Any:
    import grpc

    return grpc.StatusCode[name]


def _versions(serving: Any) -> list[Any]:
    (kept,) = serving.versions.values()
    return kept


def _traffic(serving: Any) -> dict[str, int]:
    """Registry version → share, of what is deployed."""
    (endpoint,) = serving.endpoints.values()
    return {
        d.model_version_id: endpoint.traffic_split.get(d.id, 0) for d in endpoint.deployed_models
    }


def test_nothing_pushed_nothing_asked(serving: Any, settings: Deployment) -> None:
    from components.vertex.deploy import released

    assert "nothing was pushed" in released(settings, "", "")["message"]
    assert not serving.calls


def test_the_first_version(serving: Any, settings: Deployment) -> None:
    changes = {
        "encryption_key": "key",
        "service_account": "sa@p",
        "labels": {"team": "vision"},
        "machine": "n1-standard-8",
        "accelerator": "NVIDIA_TESLA_T4",
        "accelerator_count": 2,
        "min_replicas": 2,
        "max_replicas": 5,
    }
    found = _release(settings, 1767225600, **changes)
    (upload,) = serving.uploads
    assert (upload.model_id, upload.parent_model) == ("flowers", "")
    model = upload.model
    assert (model.display_name, model.artifact_uri) == ("Flowers", f"{FOLDER}/1767225600")
    assert model.labels == {
        "team": "vision",
        "task": "flowers",
        "pushed-version": "1767225600",
        "run": "flowers-20260101-abc",
    }
    assert list(model.version_aliases) == ["default", "v1767225600"]
    assert model.encryption_spec.kms_key_name == "key"
    spec = model.container_spec
    assert spec.image_uri == IMAGE and spec.ports[0].container_port == 8080
    assert [*spec.command, *spec.args] == [
        *("python", "-m", "pipelines.serve"),
        *("--task", "flowers", "--poll", "3600"),
    ]
    assert spec.predict_route == "/v1/models/flowers:predict"
    assert spec.health_route == "/v1/models/flowers"

    (endpoint,) = serving.endpoints.values()
    assert (endpoint.display_name, endpoint.encryption_spec.kms_key_name) == ("flowers-live", "key")
    (deployed,) = endpoint.deployed_models
    machine = deployed.dedicated_resources.machine_spec
    assert (machine.machine_type, machine.accelerator_type.name, machine.accelerator_count) == (
        *("n1-standard-8", "NVIDIA_TESLA_T4", 2),
    )
    resources = deployed.dedicated_resources
    assert (resources.min_replica_count, resources.max_replica_count) == (2, 5)
    assert deployed.service_account == "sa@p"
    assert _traffic(serving) == {"1": 100}
    assert (found["model"], found["version"]) == ("projects/p/locations/r/models/flowers", "1")
    assert found["endpoint"] == endpoint.name


def test_the_second_version_takes_over(serving: Any, settings: Deployment) -> None:
    _release(settings, 1)
    found = _release(settings, 2)
    assert serving.uploads[1].parent_model == found["model"] and not serving.uploads[1].model_id
    assert [list(m.version_aliases) for m in _versions(serving)] == [["v1"], ["default", "v2"]]
    assert _traffic(serving) == {"2": 100}


def test_a_canary_and_its_promotion(serving: Any, settings: Deployment) -> None:
    _release(settings, 1, traffic=10)
    assert _traffic(serving) == {"1": 100}
    _release(settings, 2, traffic=10)
    assert _traffic(serving) == {"1": 90, "2": 10}
    assert "default" in _versions(serving)[0].version_aliases
    _release(settings, 3, traffic=30)
    assert _traffic(serving) == {"1": 63, "2": 7, "3": 30}
    # The same push with another share: a promotion, and nothing is made again.
    before = len(serving.deploys)
    _release(settings, 3, traffic=100, keep_idle=1)
    assert _traffic(serving) == {"2": 0, "3": 100}
    assert len(serving.deploys) == before and len(serving.uploads) == 3


def test_other_models_on_the_endpoint_are_left_alone(serving: Any, settings: Deployment) -> None:
    _release(settings, 1, model="Others")
    _release(settings, 2)
    (endpoint,) = serving.endpoints.values()
    assert [d.model.rpartition("/")[2] for d in endpoint.deployed_models] == ["others", "flowers"]


def test_another_tasks_model_is_not_replaced(serving: Any, settings: Deployment) -> None:
    _release(settings, 1)
    with pytest.raises(ServiceError, match="'Flowers' belongs to flowers, and 'mnist-b' would"):
        _release(settings, 2, task="mnist-b")
    assert len(serving.uploads) == 1


def test_again_changes_nothing(serving: Any, settings: Deployment) -> None:
    first = _release(settings, 1)
    del serving.calls[:]
    again = _release(settings, 1)
    assert {**first, "message": ""} == {**again, "message": ""}
    assert again["message"].startswith("found ")
    assert all(call.startswith(("List", "Get")) for call in serving.calls)


def test_registry_alone_and_a_prebuilt_container(serving: Any, settings: Deployment) -> None:
    found = _release(settings, 1, endpoint="", image=PREBUILT)
    assert found["endpoint"] == "" and not serving.endpoints
    spec = _versions(serving)[0].container_spec
    assert (spec.image_uri, list(spec.command), spec.predict_route) == (PREBUILT, [], "")


@pytest.mark.parametrize("method", ["UploadModel", "CreateEndpoint", "DeployModel"])
@pytest.mark.parametrize("pushed", [1, 2])
@pytest.mark.parametrize("polls", [0, 3])
def test_a_lost_answer_makes_nothing_twice(
    serving: Any, settings: Deployment, method: str, pushed: int, polls: int
) -> None:
    if pushed == 2:
        _release(settings, 1, endpoint="" if method == "CreateEndpoint" else settings.endpoint)
    serving.failures[method] = [LOST]
    serving.polls = polls
    found = _release(settings, pushed)
    assert [m.labels["pushed-version"] for m in _versions(serving)] == [
        str(i + 1) for i in range(pushed)
    ]
    assert found["version"] == str(pushed)
    assert len(serving.endpoints) == 1 and _traffic(serving) == {str(pushed): 100}
    assert len(serving.uploads) == pushed


def test_an_attempt_that_was_killed_is_waited_for(serving: Any, settings: Deployment) -> None:
    from components.vertex import registry
    from components.vertex.service import Service

    _release(settings, 1)
    serving.polls = 3
    pushed = registry.Pushed(folder=f"{FOLDER}/2", version="2")
    Service(settings).models.upload_model(
        request={
            "parent": settings.parent,
            "parent_model": "projects/p/locations/r/models/flowers",
            "model": registry.described(settings, pushed),
        }
    )
    _release(settings, 2)
    assert [m.labels["pushed-version"] for m in _versions(serving)] == ["1", "2"]


def test_retries_a_503_and_gives_up(serving: Any, settings: Deployment) -> None:
    unavailable = _code("UNAVAILABLE")
    serving.failures |= {name: [unavailable] for name in ("UploadModel", "GetOperation")}
    _release(settings, 1)
    assert len(_versions(serving)) == 1
    serving.failures["UploadModel"] = [unavailable] * 99
    with pytest.raises(ServiceError, match=f"All {ATTEMPTS} attempts"):
        _release(settings, 2)
    assert len(_versions(serving)) == 1


@pytest.mark.parametrize("method", ["ListModels", "UploadModel", "DeployModel"])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PERMISSION_DENIED", "docs/vertex.md lists the roles"),
        ("RESOURCE_EXHAUSTED", "a quota is exhausted"),
    ],
)
def test_lasting_errors_are_said_at_once(
    serving: Any, settings: Deployment, method: str, code: str, message: str
) -> None:
    serving.failures[method] = [_code(code)]
    with pytest.raises(ServiceError, match=message):
        _release(settings, 1)
    assert serving.calls.count(method) == 1
    # What was registered before is found by the next attempt.
    _release(settings, 1)
    assert len(_versions(serving)) == 1 and _traffic(serving) == {"1": 100}


@pytest.mark.parametrize("method", ["UploadModel", "DeployModel"])
def test_an_operation_that_ends_with_an_error(
    serving: Any, settings: Deployment, method: str
) -> None:
    serving.endings[method] = [(_code("RESOURCE_EXHAUSTED"), "custom_model_serving_cpus")]
    with pytest.raises(ServiceError, match="failed.*a quota is exhausted.*model_serving_cpus"):
        _release(settings, 1)


def test_names_must_be_of_one(serving: Any, settings: Deployment) -> None:
    _release(settings, 1)
    name, kept = next(iter(serving.versions.items()))
    serving.versions[f"{name}-2"] = [type(kept[0])(kept[0], name=f"{name}-2")]
    with pytest.raises(ServiceError, match="2 models are called 'Flowers'.*flowers-2"):
        _release(settings, 2)
    del serving.versions[f"{name}-2"]
    name, endpoint = next(iter(serving.endpoints.items()))
    serving.endpoints[f"{name}-2"] = type(endpoint)(endpoint, name=f"{name}-2")
    with pytest.raises(ServiceError, match="2 endpoints are called 'flowers-live'"):
        _release(settings, 2)


@pytest.mark.parametrize(
    ("before", "percent", "after"),
    [
        ({}, 10, {"0": 100}),
        ({"a": 100}, 0, {"a": 100}),
        ({"a": 100}, 100, {"0": 100}),
        ({"a": 34, "b": 33, "c": 33}, 10, {"a": 30, "b": 30, "c": 30, "0": 10}),
        ({"a": 99, "b": 1}, 50, {"a": 50, "0": 50}),
        ({"a": 60, "0": 40}, 70, {"a": 30, "0": 70}),
    ],
)
def test_shares(before: dict[str, int], percent: int, after: dict[str, int]) -> None:
    from components.vertex.endpoint import shares

    found = shares(before, "0", percent)
    assert sum(found.values()) == 100
    assert found == after


def test_the_component_says_what_it_did(serving: Any, settings: Deployment, tmp_path: Any) -> None:
    import json

    from tfx.types import standard_artifacts

    from components.vertex import deploy as component

    pushed = standard_artifacts.PushedModel()
    pushed.uri = "gs://b/root/123/flowers-20260101-abc/Pusher_-7/pushed_model"
    pushed.set_string_custom_property("pushed_destination", f"{FOLDER}/1")
    deployed = component.VertexModel()
    deployed.uri = str(tmp_path)
    component.VertexDeploy.EXECUTOR_SPEC.executor_class._FUNCTION(
        pushed_model=pushed, deployed=deployed, settings=settings.to_json()
    )
    written = json.loads((tmp_path / component.SUMMARY_FILE).read_text())
    assert written["version"] == deployed.get_string_custom_property("version") == "1"
    assert serving.uploads[0].model.labels["run"] == "flowers-20260101-abc"
