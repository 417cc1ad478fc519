"""Node settings of compiled pipelines, read by kfp-kubernetes' own messages."""

from typing import Any

import pytest

from pipelines.cloud import accelerators, compiler
from pipelines.cloud import config as cloud_config
from pipelines.cloud.kubeflow import kubernetes
from tests.pipelines.cloud.compiled_jobs import BASE, KUBEFLOW, PJRT, compile_job, container_of
from trainer_modules.engine.errors import BadInputError

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_container_sizes_and_node_settings_for_kubeflow() -> None:
    compiled = compile_job(
        **{**KUBEFLOW, "accelerator": "nvidia-t4:2", "tune": 2},
        **{"cpu": "4", "memory": "16G", "volumes": ("data=/mnt",)},
    )
    assert compiled.kubernetes is not None
    settings = compiled.kubernetes["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name in ("Trainer", "Tuner"):
        training = settings[f"{name}_executor"]
        assert training["nodeSelector"]["labels"] == {
            "cloud.google.com/gke-accelerator": "nvidia-tesla-t4"
        }
        assert training["tolerations"][0]["key"] == "nvidia.com/gpu"
        resources = container_of(compiled, name)["resources"]
        assert resources["accelerator"]["resourceCount"] == "2"
        assert resources["resourceMemoryLimit"] == "16G" and resources["cpuLimit"] == 4
    assert "nodeSelector" not in settings["Transform_executor"]
    assert {s["pvcMount"][0]["mountPath"] for s in settings.values()} == {"/mnt"}
    assert "accelerator" not in container_of(compiled, "Transform")["resources"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("nvidia-l4", {}), ("tpu-v6e-4", {"TPU_NAME": "local", **PJRT})],
)
def test_the_driver_is_named_on_kubernetes(name: str, expected: dict[str, str]) -> None:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    values = {"task": "digits", "target": "kubeflow", "accelerator": name, "image": BASE["image"]}
    values |= {"pipeline_root": "minio://m/vision", "serving_root": "/mnt/s", "data": "/mnt/d"}
    compiled = compiler.compile_job(cloud_config.build(values))
    executors = compiled.job["pipelineSpec"]["deploymentSpec"]["executors"]
    for step, executor in executors.items():
        # Read as Kubeflow reads it: its own message has this field.
        spec = json_format.ParseDict(
            executor.get("container", {}),
            pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec(),
        )
        found = {variable.name: variable.value for variable in spec.env}
        assert found == (expected if step in ("Trainer_executor", "Tuner_executor") else {}), step


def _job(*names: str, **executors: dict) -> dict:
    whole = {f"{name}_executor": {"container": {"image": "i"}} for name in names} | executors
    return {"pipelineSpec": {"deploymentSpec": {"executors": whole}}}


def _settings(job: dict, accelerator: str = "cpu", **values: object) -> dict[str, Any]:
    """Returns executor → its settings, read by the message that Kubeflow's driver reads."""
    from google.protobuf import json_format
    from kfp.kubernetes import kubernetes_executor_config_pb2 as settings_pb2

    config: Any = cloud_config.build({"target": "kubeflow", "accelerator": accelerator, **values})
    chosen = accelerators.KUBERNETES.find(accelerator)
    document = kubernetes.platform_spec(job, config, chosen)
    if document is None:
        return {}
    executors = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {
        name: json_format.ParseDict(settings, settings_pb2.KubernetesExecutorConfig())
        for name, settings in executors.items()
    }


def test_every_container_mounts_the_volumes_and_reads_the_secrets() -> None:
    job = _job("Trainer", "Pusher", model={"importer": {}})
    found = _settings(job, volumes=("data=/mnt", "b=/mnt/b"), secrets=("hook:url=HOOK",))
    # An importer runs in no container.
    assert set(found) == {"Trainer_executor", "Pusher_executor"}
    for settings in found.values():
        # In the field of older versions of Kubeflow, and in that of newer ones.
        assert [(m.constant, m.mount_path) for m in settings.pvc_mount] == [
            ("data", "/mnt"),
            ("b", "/mnt/b"),
        ]
        claims = [m.pvc_name_parameter.runtime_value.constant for m in settings.pvc_mount]
        assert [claim.string_value for claim in claims] == ["data", "b"]
        (secret,) = settings.secret_as_env
        assert secret.secret_name == "hook"
        assert [(key.secret_key, key.env_var) for key in secret.key_to_env] == [("url", "HOOK")]


def test_spot_nodes_are_tolerated_by_the_training_alone() -> None:
    found = _settings(_job("Trainer", "Pusher"), "nvidia-l4", spot=True)
    (settings,) = found.values()
    assert list(found) == ["Trainer_executor"]
    assert dict(settings.node_selector.labels) == {
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-spot": "true",
    }
    taints = {(t.key, t.operator, t.effect) for t in settings.tolerations}
    assert taints == {
        ("nvidia.com/gpu", "Exists", "NoSchedule"),
        ("cloud.google.com/gke-spot", "Exists", "NoSchedule"),
    }


def test_a_clusters_own_labels_replace_those_of_gke() -> None:
    values = {"node_selector": {"pool": "gpu"}, "reservation": "mine"}
    settings = _settings(_job("Tuner"), "nvidia-l4", **values)["Tuner_executor"]
    assert dict(settings.node_selector.labels) == {
        "pool": "gpu",
        "cloud.google.com/reservation-name": "mine",
    }


def test_where_nothing_is_asked_for_there_is_no_second_document() -> None:
    assert _settings(_job("Trainer", "Pusher")) == {}


@pytest.mark.parametrize("value", ["data", "=/mnt", "data=mnt", "data="])
def test_what_is_no_volume(value: str) -> None:
    with pytest.raises(BadInputError, match=f"must be CLAIM=/PATH. Received: {value}$"):
        kubernetes.volume(value)


@pytest.mark.parametrize("value", ["hook", "hook:url", "hook=HOOK", ":url=HOOK", "hook:url="])
def test_what_is_no_secret(value: str) -> None:
    with pytest.raises(BadInputError, match=f"must be SECRET:KEY=VARIABLE. Received: {value}$"):
        kubernetes.secret(value)
