"""The configuration of runs on Vertex AI."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pipelines.cloud.fields import COMPILING, MANAGE, SUBMIT, option, part
from pipelines.cloud.parts import AcceleratorConfig, NotifyConfig
from pipelines.cloud.platform_config import CloudConfig, Dataflow
from trainer_modules.engine.errors import BadInputError

# Vertex AI's bound on display names; in a filter quotes would end the name.
_NAME = re.compile(r'[^"\\\n]{1,128}')
_EVERYWHERE = (*COMPILING, *MANAGE)


@dataclass(frozen=True, kw_only=True)
class GoogleConfig:
    """The place in Google Cloud, and what holds for everything there."""

    project: str | None = option(
        None, "Google Cloud project", metavar="PROJECT", commands=_EVERYWHERE, needed=SUBMIT
    )
    region: str | None = option(
        None,
        "Google Cloud region",
        metavar="REGION",
        commands=_EVERYWHERE,
        needed=SUBMIT,
        elsewhere="Dataflow's region is --beam-region.",
    )
    endpoint: str | None = option(
        None,
        "address of the Vertex AI API, for private endpoints",
        metavar="URL",
        commands=_EVERYWHERE,
    )
    network: str | None = option(
        None, "VPC network to peer with", metavar="projects/NUMBER/global/networks/NAME"
    )
    # For everything that Vertex AI keeps.
    encryption_key: str | None = option(None, "Cloud KMS key (CMEK)", metavar="KEY")
    labels: dict[str, str] = option(
        {}, "label of the job, for billing; may be repeated", flag="--label", metavar="KEY=VALUE"
    )


@dataclass(frozen=True, kw_only=True)
class VertexAcceleratorConfig(AcceleratorConfig):
    """What to train on: the machine of a CustomJob."""

    disk_gb: int = option(200, "boot disk of the training machine", metavar="GB")
    timeout_hours: int = option(24, "time limit of training", metavar="H")


@dataclass(frozen=True, kw_only=True)
class VertexNotifyConfig(NotifyConfig):
    """Who hears of failed runs and rejected models; Vertex AI itself writes e-mail."""

    email: tuple[str, ...] = option(
        (),
        "address for Vertex AI to e-mail; may be repeated",
        key="notify_email",
        metavar="ADDRESS",
        elsewhere="Name a service that sends e-mail with --notify-webhook.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for address in self.email:
            if "@" not in address.strip("@") or len(address.split()) != 1:
                raise BadInputError(
                    f"--notify-email must be an e-mail address. Received: {address!r}"
                )
        if self.is_secret:
            raise BadInputError(
                f"--notify-webhook {self.webhook}: steps on Vertex AI cannot receive secrets as "
                "variables. Pass the address itself; anyone who can see the job can read it."
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses that Vertex AI writes to at the end of every run."""
        return self.email


@dataclass(frozen=True, kw_only=True)
class DeploymentConfig:
    """How Vertex AI registers pushed models and deploys them to an endpoint."""

    model_registry: str | None = option(
        None,
        "register pushed models as NAME",
        metavar="NAME",
        elsewhere="KServe and TensorFlow Serving read the folder that models are pushed to.",
    )
    endpoint: str | None = option(
        None,
        "deploy registered models to this endpoint, created if necessary",
        key="serving_endpoint",
        metavar="NAME",
    )
    traffic: int = option(
        100, "share of the traffic for a new version; default: 100", metavar="PERCENT"
    )
    keep_idle: int = option(0, "earlier versions without traffic to keep deployed", metavar="N")
    image: str | None = option(None, "default: --image", key="serving_image", metavar="IMAGE")
    machine: str | None = option(
        None,
        "default: the accelerator's own, or n1-standard-2",
        key="serving_machine",
        metavar="TYPE",
    )
    accelerator: str = option("cpu", "GPUs only", key="serving_accelerator", metavar="nvidia-t4|…")
    replicas: str = option(
        "1", "fewest and most machines; default: 1", key="serving_replicas", metavar="MIN:MAX"
    )
    account: str | None = option(
        None,
        "service account that the server runs as",
        key="serving_account",
        metavar="ACCOUNT",
    )

    def __post_init__(self) -> None:
        for flag, value in (
            ("--model-registry", self.model_registry),
            ("--serving-endpoint", self.endpoint),
        ):
            if value is not None and not _NAME.fullmatch(value):
                raise BadInputError(
                    f"{flag} must be 1 to 128 characters without quotes. Received: {value!r}"
                )
        if self.endpoint and not self.model_registry:
            raise BadInputError(
                f"--serving-endpoint {self.endpoint}: an endpoint serves registered "
                "models, so --model-registry is required too."
            )
        if not 0 <= self.traffic <= 100:
            raise BadInputError(f"--traffic must be 0 to 100 (percent). Received: {self.traffic}")
        if self.keep_idle < 0:
            raise BadInputError(f"--keep-idle must be 0 or more. Received: {self.keep_idle}")
        self.machines  # noqa: B018  (raises)

    @property
    def machines(self) -> tuple[int, int]:
        """Fewest and most machines.

        Raises:
          BadInputError: If `replicas` has the wrong form.
        """
        fewest, _, most = self.replicas.partition(":")
        counts = [int(part) if part.isdigit() else 0 for part in (fewest, most or fewest)]
        if not 1 <= counts[0] <= counts[1]:
            raise BadInputError(
                f"--serving-replicas must be N or MIN:MAX, at least 1. Received: {self.replicas}"
            )
        return counts[0], counts[1]


@dataclass(frozen=True, kw_only=True)
class VertexConfig(CloudConfig):
    """One pipeline on Vertex AI."""

    target: ClassVar[str] = "vertex"
    # A folder is for rehearsals of its jobs.
    stores: ClassVar[tuple[str, ...]] = ("gs://", "/")

    google: GoogleConfig = part(GoogleConfig, "where: Vertex AI")
    accelerator: VertexAcceleratorConfig = part(VertexAcceleratorConfig, "training")
    notify: VertexNotifyConfig = part(
        VertexNotifyConfig, "notifications of failed runs and rejected models"
    )
    deployment: DeploymentConfig = part(DeploymentConfig, "serving on Vertex AI")

    @property
    def dataflow(self) -> Dataflow:
        """Where Dataflow's jobs run: beside the steps, as the same account."""
        return Dataflow(
            project=self.google.project,
            region=self.beam.region or self.google.region,
            region_options="region or --beam-region",
            service_account=self.container.service_account,
            encryption_key=self.google.encryption_key,
            labels=tuple(sorted(self.google.labels.items())),
        )

    def check_compile(self) -> None:
        """Raises BadInputError that names everything that is missing to compile."""
        super().check_compile()
        if not self.deployment.model_registry:
            return
        if not self.serving_folder.startswith("gs://"):
            raise BadInputError(
                f"--model-registry {self.deployment.model_registry}: Vertex AI reads models from "
                f"gs://, but they are pushed to {self.serving_folder}. Name a gs:// "
                "--serving-root."
            )
        self.check_submit()

    def check_reachable(self) -> None:
        """Raises BadInputError if Vertex AI cannot store artifacts in the pipeline root."""
        root = self.storage.pipeline_root or ""
        if not root.startswith("gs://"):
            raise BadInputError(
                f"--pipeline-root {root}: Vertex AI keeps artifacts in gs:// only; "
                "a local folder is only for jobs that are compiled for a rehearsal."
            )
