"""Machines for training: held against Google's own types, and against what cannot be."""

import contextlib
import json
from pathlib import Path

import pytest

from components.service_calls import ServiceError
from pipelines.cloud import accelerators, compiler, targets
from pipelines.cloud import config as cloud_config
from tests.pipelines.cloud.compiled_jobs import PJRT
from trainer_modules.engine.errors import BadInputError

BASE = {
    "data": "gs://b/d",
    "pipeline_root": "gs://b/r",
    "image": "image@sha256:0",
    "project": "p",
    "region": "europe-west4",
}
DOCKERFILE = Path(__file__).parents[3] / "Dockerfile"
pytestmark = pytest.mark.usefixtures("tfx_ready")


def _job(name: str, work: str = "training", **values: object) -> object:
    from google.cloud import aiplatform_v1

    from pipelines.cloud.vertex import training as vertex_training

    config = cloud_config.build({**BASE, "accelerator": name, **values})
    found = accelerators.VERTEX_AI.find(name)
    given = vertex_training.custom_job(config, found, work)["ai_platform_training_args"]
    return aiplatform_v1.CustomJob(
        display_name=given["display_name"],
        job_spec=given["job_spec"],
        labels=given["labels"],
        encryption_spec=given.get("encryption_spec"),
    )


@pytest.mark.parametrize("name", [n for n in accelerators.VERTEX_AI.names() if n != "cpu"])
def test_every_machine_is_a_custom_job(name: str) -> None:
    job = _job(name)
    (pool,) = job.job_spec.worker_pool_specs
    machine = pool.machine_spec
    assert machine.machine_type
    assert pool.container_spec.image_uri == BASE["image"]
    if name.startswith("nvidia"):
        assert machine.accelerator_count == int(name.rpartition(":")[2])
        assert machine.accelerator_type.name.startswith("NVIDIA_")


@pytest.mark.parametrize(
    ("name", "machine", "kind", "count", "topology"),
    [
        ("nvidia-l4", "g2-standard-12", "NVIDIA_L4", 1, ""),
        ("nvidia-t4:2", "n1-standard-16", "NVIDIA_TESLA_T4", 2, ""),
        ("nvidia-a100:8", "a2-highgpu-8g", "NVIDIA_TESLA_A100", 8, ""),
        ("tpu-v2-8", "cloud-tpu", "TPU_V2", 8, ""),
        ("tpu-v3-8", "cloud-tpu", "TPU_V3", 8, ""),
        ("tpu-v5e-8", "ct5lp-hightpu-8t", "ACCELERATOR_TYPE_UNSPECIFIED", 0, "2x4"),
    ],
)
def test_the_named_machines(name: str, machine: str, kind: str, count: int, topology: str) -> None:
    spec = _job(name).job_spec.worker_pool_specs[0].machine_spec
    assert (spec.machine_type, spec.accelerator_type.name) == (machine, kind)
    assert (spec.accelerator_count, spec.tpu_topology) == (count, topology)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nvidia-l4", {}),
        ("tpu-v3-8", {"TPU_NAME": "local"}),
        ("tpu-v5e-8", {"TPU_NAME": "local", **PJRT}),
    ],
)
def test_the_driver_of_the_chips_is_named(name: str, expected: dict[str, str]) -> None:
    container = _job(name).job_spec.worker_pool_specs[0].container_spec
    found = {variable.name: variable.value for variable in container.env}
    assert found == {"TF_USE_LEGACY_KERAS": "1", **expected}


def test_the_image_has_the_driver_where_it_is_looked_for() -> None:
    stage = DOCKERFILE.read_text().split("AS tpu\n")[1].split("FROM ")[0]
    assert f"site-packages/libtpu/libtpu.so {accelerators.LIBTPU}" in stage


def test_settings_of_the_job() -> None:
    job = _job(
        "nvidia-l4",
        spot=True,
        disk_gb=300,
        training_image="training@sha256:1",
        timeout_hours=5,
        service_account="sa",
        network="projects/1/global/networks/n",
        encryption_key="key",
        labels={"team": "vision"},
    )
    spec = job.job_spec
    assert spec.scheduling.strategy.name == "SPOT"
    assert spec.scheduling.restart_job_on_worker_restart
    assert spec.scheduling.timeout.total_seconds() == 5 * 3600
    assert spec.worker_pool_specs[0].disk_spec.boot_disk_size_gb == 300
    assert spec.worker_pool_specs[0].container_spec.image_uri == "training@sha256:1"
    assert (spec.service_account, spec.network) == ("sa", "projects/1/global/networks/n")
    assert spec.base_output_directory.output_uri_prefix == "gs://b/r/digits/custom_jobs"
    assert job.encryption_spec.kms_key_name == "key" and job.labels == {"team": "vision"}
    assert job.display_name == "digits-training"


@pytest.mark.parametrize("name", ["nvidia-a100:8", "tpu-v5e-8"])
def test_the_search_has_the_same_job_as_the_training(name: str) -> None:
    values = {"spot": True, "disk_gb": 300, "timeout_hours": 5, "service_account": "sa"}
    training, tuning = (_job(name, work, **values) for work in ("training", "tuning"))
    assert tuning.job_spec == training.job_spec
    assert tuning.display_name == "digits-tuning"


def test_reservation() -> None:
    affinity = (
        _job("nvidia-a100", reservation="mine")
        .job_spec.worker_pool_specs[0]
        .machine_spec.reservation_affinity
    )
    assert affinity.reservation_affinity_type.name == "SPECIFIC_RESERVATION"
    assert list(affinity.values) == ["mine"]


@pytest.mark.parametrize(
    ("name", "target", "values", "message"),
    [
        ("nvidia-t4:3", "vertex", {}, "must be one of 1, 2, 4"),
        ("nvidia-t5", "vertex", {}, "did you mean 'nvidia-"),
        ("tpu-v2-8", "kubeflow", {}, "must be one of cpu, nvidia-t4:1"),
        ("tpu-v6e-8", "vertex", {}, "training with TensorFlow on TPU v6e.*Use tpu-v5e-8 there"),
        ("cpu:4", "vertex", {}, "must not be followed by a number"),
        ("nvidia-l4", "vertex", {"spot": True, "reservation": "r"}, "mutually exclusive"),
        ("cpu", "vertex", {"spot": True}, "Choose one with --accelerator"),
    ],
)
def test_impossible(name: str, target: str, values: dict, message: str) -> None:
    config = cloud_config.build({"accelerator": name, "target": target, **values})
    with pytest.raises(BadInputError, match=message):
        targets.find(target).accelerator(config)


def test_keys_are_those_of_the_extension() -> None:
    from tfx.extensions.google_cloud_ai_platform import constants
    from tfx.extensions.google_cloud_ai_platform.trainer import executor

    from pipelines.cloud.vertex import training as vertex_training

    config = cloud_config.build({**BASE, "accelerator": "nvidia-l4"})
    given = vertex_training.custom_job(config, accelerators.VERTEX_AI.find("nvidia-l4"), "training")
    assert set(given) == {
        constants.ENABLE_VERTEX_KEY,
        constants.VERTEX_REGION_KEY,
        executor.TRAINING_ARGS_KEY,
    }


def _given(spec: dict, task: str) -> dict:
    found = spec["root"]["dag"]["tasks"][task]["inputs"]["parameters"]["custom_config"]
    return json.loads(found["runtimeValue"]["constant"])


def test_the_compiled_job_trains_and_tunes_in_custom_jobs() -> None:
    from google.cloud import aiplatform_v1

    config = cloud_config.build({**BASE, "accelerator": "tpu-v5e-8", "tune": 3, "spot": True})
    spec = compiler.compile_job(config).job["pipelineSpec"]
    for task, executor in (("Trainer", "TrainerExecutor"), ("Tuner", "TunerExecutor")):
        args = spec["deploymentSpec"]["executors"][f"{task}_executor"]["container"]["args"]
        assert args[1] == f"components.vertex.custom_job.{executor}"
        given = _given(spec, task)
        assert '"accelerator": "tpu"' in given["task"]
        job = given["ai_platform_training_args"]
        assert job.pop("project") == "p"
        machine = aiplatform_v1.CustomJob(job).job_spec.worker_pool_specs[0].machine_spec
        assert (machine.machine_type, machine.tpu_topology) == ("ct5lp-hightpu-8t", "2x4")
    assert _given(spec, "Tuner")["trials"] == 3
    best = spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["artifacts"]["hyperparameters"]
    assert best["taskOutputArtifact"]["producerTask"] == "Tuner"


@pytest.mark.parametrize(
    ("starter", "work", "end", "said"),
    [
        ("TrainerExecutor", "tfx.components.trainer.executor.GenericExecutor", "SUCCEEDED", ""),
        ("TunerExecutor", "components.vertex.custom_job.SearchExecutor", "SUCCEEDED", ""),
        ("TrainerExecutor", "tfx.components.trainer.executor.GenericExecutor", "EXPIRED", "log"),
        ("TunerExecutor", "components.vertex.custom_job.SearchExecutor", "FAILED", "no such image"),
    ],
)
def test_the_step_starts_the_job_and_waits(
    starter: str, work: str, end: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.cloud import aiplatform_v1
    from tfx.extensions.google_cloud_ai_platform import training_clients
    from tfx.types import standard_artifacts

    from components.vertex import custom_job
    from pipelines.cloud.vertex import training as vertex_training

    class Service:
        """Stands for Vertex AI's JobService; `CustomJob` checks what it is given."""

        jobs: list = []
        states = [
            aiplatform_v1.JobState.JOB_STATE_PENDING,
            aiplatform_v1.JobState.JOB_STATE_RUNNING,
            getattr(aiplatform_v1.JobState, f"JOB_STATE_{end}"),
        ]

        def __init__(self, client_options: dict) -> None:
            assert client_options["api_endpoint"] == "europe-west4-aiplatform.googleapis.com"

        def create_custom_job(self, parent: str, custom_job: dict) -> aiplatform_v1.CustomJob:
            assert parent == "projects/p/locations/europe-west4"
            self.jobs.append(aiplatform_v1.CustomJob(custom_job))
            return aiplatform_v1.CustomJob(name=f"{parent}/customJobs/1")

        def get_custom_job(self, name: str, retry: object) -> aiplatform_v1.CustomJob:
            del retry
            error = {"message": "no such image"} if end == "FAILED" else None
            return aiplatform_v1.CustomJob(name=name, state=self.states.pop(0), error=error)

    monkeypatch.setattr(training_clients.gapic, "JobServiceClient", Service)
    config = cloud_config.build({**BASE, "accelerator": "nvidia-l4"})
    found = accelerators.VERTEX_AI.find("nvidia-l4")
    given = vertex_training.custom_job(config, found, "training")
    model = standard_artifacts.Model()
    model.uri = "gs://b/r/model"
    executor = getattr(custom_job, starter)()
    monkeypatch.setattr(custom_job, "_LOOK", 0.01)
    failing = pytest.raises(ServiceError, match=f"customJobs/1 ended as JOB_STATE_{end}: .*{said}")
    with failing if said else contextlib.nullcontext():
        executor.Do({}, {"model": [model]}, {"custom_config": json.dumps(given), "run_fn": "m.f"})
    assert not Service.states
    (job,) = Service.jobs
    command = list(job.job_spec.worker_pool_specs[0].container_spec.command)
    assert command[:5] == [
        *("python", "-m", "tfx.scripts.run_executor"),
        *("--executor_class_path", work),
    ]
    assert "gs://b/r/model" in command[command.index("--outputs") + 1]
    assert "m.f" in command[command.index("--exec-properties") + 1]
