"""The configuration of runs on open-source Kubeflow Pipelines."""

from dataclasses import dataclass
from typing import ClassVar

from pipelines.cloud.fields import COMPILING, MANAGE, SUBMIT, option, part
from pipelines.cloud.parts import AcceleratorConfig, BeamConfig, ContainerConfig
from pipelines.cloud.platform_config import CloudConfig, Dataflow
from trainer_modules.engine.errors import BadInputError

_EVERYWHERE = (*COMPILING, *MANAGE)


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Which installation, and where in it."""

    host: str | None = option(
        None,
        "address of the Kubeflow Pipelines API",
        metavar="URL",
        commands=_EVERYWHERE,
        needed=SUBMIT,
    )
    namespace: str = option(
        "",
        "namespace of the Kubeflow profile; default: that of a single-user installation",
        metavar="NAMESPACE",
        commands=_EVERYWHERE,
    )
    experiment: str | None = option(
        None,
        "Kubeflow experiment of the runs; default: the pipeline's name",
        metavar="NAME",
        commands=_EVERYWHERE,
    )

    def __post_init__(self) -> None:
        if self.host and not self.host.startswith(("http://", "https://")):
            raise BadInputError(
                f"--host must begin with http:// or https://. Received: {self.host}"
            )


@dataclass(frozen=True, kw_only=True)
class KubeflowContainerConfig(ContainerConfig):
    """What the steps run in, as whom, and with what mounted."""

    volumes: tuple[str, ...] = option(
        (),
        "Kubernetes volume to mount in every step; may be repeated",
        flag="--volume",
        metavar="CLAIM=/PATH",
    )
    secrets: tuple[str, ...] = option(
        (),
        "Kubernetes secret as a variable of every step; may be repeated",
        flag="--secret",
        metavar="SECRET:KEY=VARIABLE",
    )


@dataclass(frozen=True, kw_only=True)
class KubeflowAcceleratorConfig(AcceleratorConfig):
    """What to train on: a node of the cluster."""

    node_selector: dict[str, str] = option(
        {}, "labels of the nodes to train on, in place of GKE's", flag="", metavar="TABLE"
    )


@dataclass(frozen=True, kw_only=True)
class KubeflowBeamConfig(BeamConfig):
    """How Beam runs: inside each step's container, or on Dataflow from any cluster."""

    project: str | None = option(None, "Google Cloud project for Dataflow", metavar="PROJECT")


@dataclass(frozen=True, kw_only=True)
class KubeflowConfig(CloudConfig):
    """One pipeline on Kubeflow Pipelines."""

    target: ClassVar[str] = "kubeflow"
    # Those that its launcher supports (backend/src/v2/objectstore/config.go).
    stores: ClassVar[tuple[str, ...]] = ("gs://", "s3://", "minio://")
    # Kubernetes limits the cores of a step: all of them.
    beam_workers_by_default: ClassVar[int] = 0

    server: ServerConfig = part(ServerConfig, "where: Kubeflow")
    container: KubeflowContainerConfig = part(KubeflowContainerConfig, "containers")
    accelerator: KubeflowAcceleratorConfig = part(KubeflowAcceleratorConfig, "training")
    beam: KubeflowBeamConfig = part(KubeflowBeamConfig, "Beam")

    @property
    def dataflow(self) -> Dataflow:
        """Where Dataflow's jobs run; a Kubernetes account is none of Google Cloud."""
        return Dataflow(
            project=self.beam.project, region=self.beam.region, region_options="beam-region"
        )
