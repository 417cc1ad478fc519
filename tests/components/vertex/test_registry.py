"""Exactly one version in the Model Registry for each pushed version."""

import dataclasses

import pytest

from components.service_calls import ServiceError
from components.vertex.settings import Deployment
from tests.components.vertex.grpc_server import LOST
from tests.components.vertex.releases import FOLDER, PREBUILT, release, traffic, versions
from tests.components.vertex.serving_service import FakeServing


def test_the_second_version_takes_over(serving: FakeServing, settings: Deployment) -> None:
    release(settings, 1)
    found = release(settings, 2)
    assert serving.uploads[1].parent_model == found["model"] and not serving.uploads[1].model_id
    assert [list(m.version_aliases) for m in versions(serving)] == [["v1"], ["default", "v2"]]
    assert traffic(serving) == {"2": 100}


def test_another_tasks_model_is_not_replaced(serving: FakeServing, settings: Deployment) -> None:
    release(settings, 1)
    with pytest.raises(ServiceError, match="'Flowers' belongs to flowers, and 'mnist-b' would"):
        release(settings, 2, task="mnist-b")
    assert len(serving.uploads) == 1


def test_again_changes_nothing(serving: FakeServing, settings: Deployment) -> None:
    first = release(settings, 1)
    del serving.calls[:]
    again = release(settings, 1)
    assert {**first, "message": ""} == {**again, "message": ""}
    assert again["message"].startswith("found ")
    assert all(call.startswith(("List", "Get")) for call in serving.calls)


def test_registry_alone_and_a_prebuilt_container(
    serving: FakeServing, settings: Deployment
) -> None:
    found = release(settings, 1, endpoint="", image=PREBUILT)
    assert found["endpoint"] == "" and not serving.endpoints
    spec = versions(serving)[0].container_spec
    assert (spec.image_uri, list(spec.command), spec.predict_route) == (PREBUILT, [], "")


@pytest.mark.parametrize("method", ["UploadModel", "CreateEndpoint", "DeployModel"])
@pytest.mark.parametrize("pushed", [1, 2])
@pytest.mark.parametrize("polls", [0, 3])
def test_a_lost_answer_makes_nothing_twice(
    serving: FakeServing, settings: Deployment, method: str, pushed: int, polls: int
) -> None:
    if pushed == 2:
        release(settings, 1, endpoint="" if method == "CreateEndpoint" else settings.endpoint)
    serving.failures[method] = [LOST]
    serving.polls = polls
    found = release(settings, pushed)
    assert [m.labels["pushed-version"] for m in versions(serving)] == [
        str(i + 1) for i in range(pushed)
    ]
    assert found["version"] == str(pushed)
    assert len(serving.endpoints) == 1 and traffic(serving) == {str(pushed): 100}
    assert len(serving.uploads) == pushed


def test_an_attempt_that_was_killed_is_waited_for(
    serving: FakeServing, settings: Deployment
) -> None:
    from components.vertex import registry
    from components.vertex.service import Service

    release(settings, 1)
    serving.polls = 3
    pushed = registry.Pushed(folder=f"{FOLDER}/2", version="2")
    Service(settings).models.upload_model(
        request={
            "parent": settings.parent,
            "parent_model": "projects/p/locations/r/models/flowers",
            "model": registry.described(settings, pushed),
        }
    )
    release(settings, 2)
    assert [m.labels["pushed-version"] for m in versions(serving)] == ["1", "2"]


def test_names_must_be_of_one(serving: FakeServing, settings: Deployment) -> None:
    release(settings, 1)
    name, kept = next(iter(serving.versions.items()))
    serving.versions[f"{name}-2"] = [type(kept[0])(kept[0], name=f"{name}-2")]
    with pytest.raises(ServiceError, match="2 models are called 'Flowers'.*flowers-2"):
        release(settings, 2)
    del serving.versions[f"{name}-2"]
    name, endpoint = next(iter(serving.endpoints.items()))
    serving.endpoints[f"{name}-2"] = type(endpoint)(endpoint, name=f"{name}-2")
    with pytest.raises(ServiceError, match="2 endpoints are called 'flowers-live'"):
        release(settings, 2)


@pytest.mark.parametrize(
    ("endpoint", "percent", "default"),
    [("", 10, True), ("live", 100, True), ("live", 10, False)],
)
def test_a_canary_is_not_what_everybody_gets(
    settings: Deployment, endpoint: str, percent: int, default: bool
) -> None:
    """Requests without a version get the alias `default`, which a canary must not take."""

    from components.vertex import registry

    changed = dataclasses.replace(settings, endpoint=endpoint, traffic=percent)
    model = registry.described(changed, registry.Pushed(folder=f"{FOLDER}/7", version="7"))
    assert ("default" in model.version_aliases) is default and "v7" in model.version_aliases
    assert "run" not in model.labels, "of an unknown run"


def test_a_models_name_may_carry_its_default_version(
    serving: FakeServing, settings: Deployment
) -> None:
    from components.vertex import registry

    first = release(settings, 1)["model"]
    version = registry.Version(model=first, number="1")
    assert version.name == f"{first}@1"
    for kept in versions(serving):
        kept.name = f"{first}@default"
    assert release(settings, 2)["model"] == first
