"""Training and tuning as Vertex AI CustomJobs: job specifications and starting components."""

from typing import Any

from tfx.components.trainer.component import Trainer
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base import executor_spec

from components.vertex.custom_job import TrainerExecutor, TunerExecutor
from pipelines.cloud.accelerators import Accelerator
from pipelines.cloud.artifact_places import JOB
from pipelines.cloud.vertex.config import VertexConfig

# Keys of TFX's Vertex AI extension (`tfx.extensions.google_cloud_ai_platform`), written here
# since importing them imports Google's client libraries.
_ENABLE = "ai_platform_enable_vertex"
_REGION = "ai_platform_vertex_region"


class CustomJobTrainer(Trainer):
    """TFX's Trainer, run as a Vertex AI CustomJob while the pipeline's step waits for it."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TrainerExecutor)


class CustomJobTuner(Tuner):
    """TFX's Tuner, all trials in one Vertex AI CustomJob while the pipeline's step waits for it."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)


def custom_job(config: VertexConfig, accelerator: Accelerator, work: str) -> dict[str, Any]:
    """Returns what `CustomJobTrainer` and `CustomJobTuner` need in their `custom_config`.

    Args:
      config: Complete for submission: project and region are set.
      accelerator: What to train on.
      work: `training` or `tuning`, for the job's name in the console.
    """
    job: dict[str, Any] = {
        "project": config.google.project,
        "display_name": config.names.job(work),
        "labels": dict(config.google.labels),
        "job_spec": job_spec(config, accelerator),
    }
    if config.google.encryption_key:
        job["encryption_spec"] = {"kms_key_name": config.google.encryption_key}
    return {_ENABLE: True, _REGION: config.google.region, JOB: job}


def job_spec(config: VertexConfig, accelerator: Accelerator) -> dict[str, Any]:
    """Returns a `CustomJobSpec` of `google.cloud.aiplatform_v1` as plain values."""
    scheduling: dict[str, Any] = {
        "timeout": {"seconds": config.accelerator.timeout_hours * 3600},
        # Training continues from its checkpoint, the search after its finished trials.
        "restart_job_on_worker_restart": True,
    }
    if config.accelerator.spot:
        scheduling["strategy"] = "SPOT"
    spec: dict[str, Any] = {
        "worker_pool_specs": [
            {
                "machine_spec": machine_spec(config, accelerator),
                "replica_count": 1,
                "disk_spec": {
                    "boot_disk_type": "pd-ssd",
                    "boot_disk_size_gb": config.accelerator.disk_gb,
                },
                "container_spec": {
                    "image_uri": config.container.training_image or config.container.image,
                    "env": _environment(accelerator),
                },
            }
        ],
        "scheduling": scheduling,
        # The step adds the run; below that Vertex AI names `checkpoints` in AIP_CHECKPOINT_DIR.
        "base_output_directory": {"output_uri_prefix": f"{config.artifacts_folder}/custom_jobs"},
    }
    if config.container.service_account:
        spec["service_account"] = config.container.service_account
    if config.google.network:
        spec["network"] = config.google.network
    return spec


def machine_spec(config: VertexConfig, accelerator: Accelerator) -> dict[str, Any]:
    """Returns a `MachineSpec` of `google.cloud.aiplatform_v1` as plain values."""
    machine: dict[str, Any] = {"machine_type": accelerator.machine}
    if accelerator.type:
        machine["accelerator_type"] = accelerator.type
        machine["accelerator_count"] = accelerator.count
    elif accelerator.topology:
        machine["tpu_topology"] = accelerator.topology
    if config.accelerator.reservation:
        machine["reservation_affinity"] = {
            "reservation_affinity_type": "SPECIFIC_RESERVATION",
            "key": "compute.googleapis.com/reservation-name",
            "values": [config.accelerator.reservation],
        }
    return machine


def _environment(accelerator: Accelerator) -> list[dict[str, str]]:
    values = {"TF_USE_LEGACY_KERAS": "1", **accelerator.environment}
    return [{"name": name, "value": value} for name, value in values.items()]
