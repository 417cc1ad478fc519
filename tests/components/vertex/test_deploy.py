"""From a pushed version to a deployed one, against a local server of the gRPC services."""

import dataclasses
from typing import Any

import pytest

from components.vertex.settings import Deployment
from tests.components.vertex.releases import FOLDER, IMAGE, release, traffic, versions
from tests.components.vertex.serving_service import FakeServing


def test_nothing_pushed_nothing_asked(serving: FakeServing, settings: Deployment) -> None:
    from components.vertex.deploy import released

    assert "nothing was pushed" in released(settings, "", "")["message"]
    assert not serving.calls


def test_the_first_version(serving: FakeServing, settings: Deployment) -> None:
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
    found = release(settings, 1767225600, **changes)
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
    assert traffic(serving) == {"1": 100}
    assert (found["model"], found["version"]) == ("projects/p/locations/r/models/flowers", "1")
    assert found["endpoint"] == endpoint.name


def test_the_component_says_what_it_did(
    serving: FakeServing, settings: Deployment, tmp_path: Any
) -> None:
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


@pytest.mark.parametrize(
    ("uri", "run"),
    [
        ("gs://b/root/123/flowers-20260101-abc/Pusher_-7/pushed_model", "flowers-20260101-abc"),
        ("gs://b/root/123/flowers-1/Pusher_-7/pushed_model/", "flowers-1"),
        # No run that a label can hold: better none than an error after the push.
        ("/home/me/runs/Flowers run/Pusher/pushed_model/3", ""),
        ("pushed_model", ""),
        ("", ""),
    ],
)
def test_the_run_is_read_from_the_artifacts_place(uri: str, run: str) -> None:
    from components.vertex.deploy import run_of

    assert run_of(uri) == run


def test_a_rollback_gives_the_earlier_version_the_alias_and_the_traffic(
    serving: FakeServing, settings: Deployment
) -> None:
    from components.vertex.deploy import promoted

    for version in (1, 2):
        release(settings, version, traffic=20, keep_idle=1)
    assert traffic(serving) == {"1": 80, "2": 20}
    canary = dataclasses.replace(settings, traffic=20, keep_idle=1)
    told = promoted(canary, f"{FOLDER}/1", back=True)
    assert told["version"] == "1" and told["message"].endswith(", the default version")
    assert traffic(serving) == {"1": 100, "2": 0}
    assert [list(m.version_aliases) for m in versions(serving)] == [["default", "v1"], ["v2"]]
    # The same command again changes nothing.
    promoted(canary, f"{FOLDER}/1", back=True)
    assert traffic(serving) == {"1": 100, "2": 0} and len(serving.uploads) == 2


def test_an_approval_registers_the_version_and_gives_it_its_share(
    serving: FakeServing, settings: Deployment
) -> None:
    from components.vertex.deploy import promoted

    release(settings, 1)
    promoted(dataclasses.replace(settings, traffic=30), f"{FOLDER}/2", back=False)
    assert traffic(serving) == {"1": 70, "2": 30}
    assert [list(m.version_aliases) for m in versions(serving)] == [["default", "v1"], ["v2"]]
    promoted(settings, f"{FOLDER}/2", back=False)
    assert [list(m.version_aliases) for m in versions(serving)] == [["v1"], ["default", "v2"]]
