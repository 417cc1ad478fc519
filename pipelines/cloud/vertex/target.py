"""Vertex AI Pipelines."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.cloud import accelerators, notifications
from pipelines.cloud.accelerators import Accelerator
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.doctor.check import Check
from pipelines.cloud.service import PipelineService
from pipelines.cloud.target import Target
from pipelines.cloud.vertex.config import VertexConfig
from trainer_modules.engine.errors import BadInputError

if TYPE_CHECKING:
    from pipelines.platforms import Platform


class Vertex(Target):
    """Runs jobs in JSON; a step trains in a CustomJob of its own."""

    configuration = VertexConfig
    catalogue = accelerators.VERTEX_AI
    trains_in_the_step = False

    def accelerator(self, config: VertexConfig) -> Accelerator:
        """Returns what to train on; a machine of its own needs a project and a region."""
        chosen = super().accelerator(config)
        if chosen.device != accelerators.CPU:
            config.check_submit()
        elif config.accelerator.spot or config.accelerator.reservation:
            raise BadInputError(
                "--spot and --reservation apply to a training machine. Choose one with "
                "--accelerator."
            )
        return chosen

    def nodes(self, config: VertexConfig, accelerator: Accelerator) -> "Platform":
        """Returns what is different in the DAG: the last blessed model, CustomJobs, deployment."""
        from pipelines.platforms import Platform, last_blessed_champion, latest_blessed

        vertex = Platform(
            baseline=latest_blessed,
            champion=last_blessed_champion,
            after_push=_after_push(config),
            draws=True,
            dashes=True,
        )
        if accelerator.device == accelerators.CPU:
            return vertex
        from pipelines.cloud.vertex.training import CustomJobTrainer, CustomJobTuner, custom_job

        return dataclasses.replace(
            vertex,
            trainer=CustomJobTrainer,
            training=custom_job(config, accelerator, "training"),
            tuner=CustomJobTuner,
            tuning=custom_job(config, accelerator, "tuning"),
        )

    def finish(
        self, job: dict[str, Any], config: VertexConfig, accelerator: Accelerator
    ) -> Compiled:
        """Returns the job with its labels, account, network and key, and its notifications."""
        del accelerator
        job.setdefault("labels", {}).update(config.google.labels)
        if config.container.service_account:
            job["serviceAccount"] = config.container.service_account
        if config.google.network:
            job["network"] = config.google.network
        if config.google.encryption_key:
            job["encryptionSpec"] = {"kmsKeyName": config.google.encryption_key}
        notifications.add(job, config)
        return Compiled(job)

    def connect(self, config: VertexConfig) -> PipelineService:
        """Returns Vertex AI Pipelines in the project and region."""
        from pipelines.cloud.vertex.service import VertexService

        return VertexService(config)

    def checks(self, config: VertexConfig) -> Sequence[Check]:
        """Returns the checks of the project."""
        from pipelines.cloud.doctor import vertex as doctor_vertex

        return doctor_vertex.checks(config)

    def follow_decision(self, config: Any, folder: str, *, back: bool) -> str:
        """Registers and deploys an approved version, or gives an earlier one the traffic again."""
        return _follow_decision(config, folder, back)


def _follow_decision(config: VertexConfig, folder: str, back: bool) -> str:
    """Moves the registry's alias and the endpoint's traffic; "" where neither is configured."""
    if not config.deployment.model_registry:
        return ""
    from components.vertex.deploy import promoted
    from pipelines.cloud.vertex import deployment

    return promoted(deployment.settings(config), folder, back=back)["message"]


def _after_push(config: VertexConfig) -> Any:
    """Returns the factory of the step that registers and deploys; None if it is not requested."""
    if not config.deployment.model_registry:
        return None
    from components.vertex.deploy import VertexDeploy
    from pipelines import cache_keys
    from pipelines.cloud.vertex import deployment

    settings = deployment.settings(config).to_json()
    return lambda pushed: VertexDeploy(
        pushed_model=pushed,
        settings=settings,
        code_fingerprint=cache_keys.of_step(VertexDeploy),
    ).with_id("VertexDeploy")


TARGET = Vertex()
