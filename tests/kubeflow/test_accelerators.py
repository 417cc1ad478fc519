"""Machines for training: held against Google's own types, and against what cannot be."""

import pytest

from pipelines import accelerators, cloud_config
from trainer_modules.engine.errors import BadInputError

BASE = {
    "data": "gs://b/d",
    "pipeline_root": "gs://b/r",
    "image": "image@sha256:0",
    "project": "p",
    "region": "europe-west4",
}
pytestmark = pytest.mark.usefixtures("tfx_ready")


def _job(name: str, **values: object) -> object:
    from google.cloud import aiplatform_v1

    from pipelines import vertex_training

    config = cloud_config.build({**BASE, "accelerator": name, **values})
    found = accelerators.find(name, "vertex", spot=config.spot)
    given = vertex_training.training_config(config, found)["ai_platform_training_args"]
    return aiplatform_v1.CustomJob(
        display_name=given["display_name"],
        job_spec=given["job_spec"],
        labels=given["labels"],
        encryption_spec=given.get("encryption_spec"),
    )


@pytest.mark.parametrize("name", [n for n in accelerators.names("vertex") if n != "cpu"])
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
        ("tpu-v6e-8", "ct6e-standard-8t", "ACCELERATOR_TYPE_UNSPECIFIED", 0, "2x4"),
    ],
)
def test_the_named_machines(name: str, machine: str, kind: str, count: int, topology: str) -> None:
    spec = _job(name).job_spec.worker_pool_specs[0].machine_spec
    assert (spec.machine_type, spec.accelerator_type.name) == (machine, kind)
    assert (spec.accelerator_count, spec.tpu_topology) == (count, topology)


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
        ("cpu:4", "vertex", {}, "takes no number"),
        ("nvidia-l4", "vertex", {"spot": True, "reservation": "r"}, "exclude each other"),
        ("cpu", "vertex", {"spot": True}, "name one with --accelerator"),
    ],
)
def test_impossible(name: str, target: str, values: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        accelerators.find(name, target, **values)


def test_keys_are_those_of_the_extension() -> None:
    from tfx.extensions.google_cloud_ai_platform import constants
    from tfx.extensions.google_cloud_ai_platform.trainer import executor

    from pipelines import vertex_training

    config = cloud_config.build({**BASE, "accelerator": "nvidia-l4"})
    given = vertex_training.training_config(config, accelerators.find("nvidia-l4", "vertex"))
    assert set(given) == {
        constants.ENABLE_VERTEX_KEY,
        constants.VERTEX_REGION_KEY,
        executor.TRAINING_ARGS_KEY,
    }


def test_trainer_of_the_compiled_job_starts_the_custom_job() -> None:
    import json

    from pipelines import compiler

    compiled = compiler.compile_job(cloud_config.build({**BASE, "accelerator": "tpu-v5e-8"}))
    spec = compiled.job["pipelineSpec"]
    args = spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]["args"]
    assert args[1] == "components.custom_job.Executor"
    given = spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["parameters"]["custom_config"]
    config = json.loads(given["runtimeValue"]["constant"])
    assert '"accelerator": "tpu"' in config["task"]
    assert config["ai_platform_training_args"]["project"] == "p"


def test_the_step_starts_the_job_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    from google.cloud import aiplatform_v1
    from tfx.extensions.google_cloud_ai_platform import training_clients
    from tfx.types import standard_artifacts

    from components.custom_job import Executor
    from pipelines import vertex_training

    class Service:
        """Stands for Vertex AI's JobService; `CustomJob` checks what it is given."""

        jobs: list = []

        def __init__(self, client_options: dict) -> None:
            assert client_options["api_endpoint"] == "europe-west4-aiplatform.googleapis.com"

        def create_custom_job(self, parent: str, custom_job: dict) -> aiplatform_v1.CustomJob:
            assert parent == "projects/p/locations/europe-west4"
            self.jobs.append(aiplatform_v1.CustomJob(custom_job))
            return aiplatform_v1.CustomJob(name=f"{parent}/customJobs/1")

        def get_custom_job(self, name: str, retry: object) -> aiplatform_v1.CustomJob:
            del retry
            state = aiplatform_v1.JobState.JOB_STATE_SUCCEEDED
            return aiplatform_v1.CustomJob(name=name, state=state)

    monkeypatch.setattr(training_clients.gapic, "JobServiceClient", Service)
    config = cloud_config.build({**BASE, "accelerator": "nvidia-l4"})
    given = vertex_training.training_config(config, accelerators.find("nvidia-l4", "vertex"))
    model = standard_artifacts.Model()
    model.uri = "gs://b/r/model"
    Executor().Do({}, {"model": [model]}, {"custom_config": json.dumps(given), "run_fn": "m.f"})
    (job,) = Service.jobs
    command = list(job.job_spec.worker_pool_specs[0].container_spec.command)
    assert command[:5] == [
        *("python", "-m", "tfx.scripts.run_executor"),
        *("--executor_class_path", "tfx.components.trainer.executor.GenericExecutor"),
    ]
    assert "gs://b/r/model" in command[command.index("--outputs") + 1]
    assert "m.f" in command[command.index("--exec-properties") + 1]
