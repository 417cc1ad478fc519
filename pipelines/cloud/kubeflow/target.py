"""Open-source Kubeflow Pipelines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.cloud import accelerators, notifications
from pipelines.cloud.accelerators import Accelerator
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.doctor.check import Check
from pipelines.cloud.kubeflow import kubernetes
from pipelines.cloud.kubeflow import looks as kubeflow_looks
from pipelines.cloud.kubeflow.config import KubeflowConfig
from pipelines.cloud.schedules import CronRules
from pipelines.cloud.service import PipelineService
from pipelines.cloud.target import Target

if TYPE_CHECKING:
    from pipelines.platforms import Platform


class Kubeflow(Target):
    """Runs pipelines in YAML; everything happens in the containers of the steps."""

    configuration = KubeflowConfig
    ending = "yaml"
    # github.com/robfig/cron
    cron = CronRules(reader="Kubeflow", last_day=6, has_seconds=True, has_question_mark=True)
    catalogue = accelerators.KUBERNETES
    # For Argo, below Kubeflow, it is the time after which it stops retrying: a week.
    longest_backoff = "604800s"

    def nodes(self, config: KubeflowConfig, accelerator: Accelerator) -> "Platform":
        """Returns what is different in the DAG: there are no resolvers."""
        del config, accelerator
        from pipelines.platforms import Platform, latest_pushed

        return Platform(baseline=latest_pushed, draws=True, dashes=True)

    def finish(
        self, job: dict[str, Any], config: KubeflowConfig, accelerator: Accelerator
    ) -> Compiled:
        """Returns the job with the steps that look outside, its node settings, and the rest."""
        kubeflow_looks.add(job["pipelineSpec"])
        kubernetes.set_environment(job, accelerator)
        _try_volumes(job, (config.serving_folder, config.training_folder))
        notifications.add(job, config, host=(config.server.host or "").rstrip("/"))
        return Compiled(job, kubernetes.platform_spec(job, config, accelerator))

    def text(self, compiled: Compiled) -> str:
        """Returns YAML: the pipeline, and the settings of its nodes if there are any."""
        import yaml

        documents = [compiled.job["pipelineSpec"]]
        if compiled.kubernetes:
            documents.append(compiled.kubernetes)
        return str(yaml.safe_dump_all(documents, sort_keys=True, width=100))

    def connect(self, config: KubeflowConfig) -> PipelineService:
        """Returns the installation behind `--host`."""
        from pipelines.cloud.kubeflow.service import KubeflowService

        return KubeflowService(config)

    def checks(self, config: KubeflowConfig) -> Sequence[Check]:
        """Returns the checks of the installation and the cluster."""
        from pipelines.cloud.doctor import kubeflow as doctor_kubeflow

        return doctor_kubeflow.checks(config)


def _try_volumes(job: dict[str, Any], folders: tuple[str, ...]) -> None:
    """Makes the first step check write access to the folders that later steps need."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    arguments = executors["DataFingerprint_executor"]["container"]["args"]
    for folder in folders:
        if folder.startswith("/"):
            arguments += ["--writable", folder]


TARGET = Kubeflow()
