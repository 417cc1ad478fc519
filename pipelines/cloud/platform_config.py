"""What the configurations of all platforms have in common."""

from dataclasses import dataclass
from typing import ClassVar

from pipelines.cloud import fields
from pipelines.cloud.fields import COMPILE, SUBMIT, part
from pipelines.cloud.parts import (
    AcceleratorConfig,
    BeamConfig,
    ContainerConfig,
    NotifyConfig,
    StorageConfig,
    WorkConfig,
)
from pipelines.config import STORE
from pipelines.names import Names
from trainer_modules.engine.custom_config import SCRATCH
from trainer_modules.engine.errors import BadInputError

_OPEN_AT_COMPILE = ("gs://", "/")


@dataclass(frozen=True, kw_only=True)
class Dataflow:
    """Where and as whom Dataflow's jobs run.

    Attributes:
      project: Google Cloud project; None if none is named.
      region: Its region; None if none is named.
      region_options: The options that name a region, without leading dashes.
      service_account: The workers' account; None for Dataflow's own.
      encryption_key: Cloud KMS key; None for Google's.
      labels: Labels of the jobs.
    """

    project: str | None
    region: str | None
    region_options: str
    service_account: str | None = None
    encryption_key: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class CloudConfig:
    """One pipeline on one platform; a platform's own configuration adds parts and fields.

    It is what `create_pipeline` reads (`config.PipelineConfig`).
    """

    # The name of the target, and the stores that it can keep artifacts in.
    target: ClassVar[str]
    stores: ClassVar[tuple[str, ...]]
    # Processes of Beam's direct runner in a step; 0 for one per core.
    beam_workers_by_default: ClassVar[int] = 1

    work: WorkConfig = part(WorkConfig, "what")
    storage: StorageConfig = part(StorageConfig, "storage")
    container: ContainerConfig = part(ContainerConfig, "containers")
    accelerator: AcceleratorConfig = part(AcceleratorConfig, "training")
    beam: BeamConfig = part(BeamConfig, "Beam")
    notify: NotifyConfig = part(NotifyConfig, "notifications of failed runs and rejected models")

    @property
    def task(self) -> str:
        """The task, as `--task` names it."""
        return self.work.task

    @property
    def names(self) -> Names:
        """All names and locations of these runs."""
        return self.work.names

    @property
    def max_rejected(self) -> float:
        """Largest fraction of unreadable examples that a run accepts, in [0, 1]."""
        return self.work.max_rejected

    @property
    def on_drift(self) -> str:
        """What drift of the newest examples leads to: `warn`, `stop` or `hold`."""
        return self.work.on_drift

    @property
    def promote(self) -> str:
        """Whether a blessed model is pushed, or waits for a person's decision."""
        return self.work.promote

    @property
    def keep(self) -> int:
        """How many served versions to keep; 0 for all."""
        return self.work.keep

    @property
    def tune(self) -> int:
        """Trials of a hyperparameter search before training; 0 for none."""
        return self.work.tune

    @property
    def start(self) -> str:
        """Where training starts from: a new network, as there is no node `Champion`."""
        return SCRATCH

    @property
    def fresh(self) -> bool:
        """Whether every step runs again, without the cache."""
        return self.work.fresh

    @property
    def window(self) -> str:
        """Which spans are read: `newest`, `all` or how many."""
        return self.work.window

    @property
    def evaluate(self) -> str:
        """What is evaluated: `newest` (the newest span), `window`, or the root of a test set."""
        return self.work.evaluate

    @property
    def checkpoints_folder(self) -> str:
        """Where training keeps its checkpoints: a place that TensorFlow itself can open.

        With artifacts in s3:// or minio:// that is beside the served models.
        """
        return f"{self.training_folder}/checkpoints"

    @property
    def store_folder(self) -> str:
        """Where results are kept that later runs use again, as open to TensorFlow."""
        return f"{self.training_folder}/{STORE}"

    @property
    def training_folder(self) -> str:
        """The folder of the checkpoints of these runs."""
        if self.artifacts_folder.startswith(_OPEN_AT_COMPILE):
            return self.artifacts_folder
        return self.names.training_beside(self.storage.serving_root or "")

    @property
    def artifacts_folder(self) -> str:
        """The pipeline root of these runs."""
        return self.names.folder(self.storage.pipeline_root or "")

    @property
    def serving_folder(self) -> str:
        """Where versions of the model are pushed."""
        if self.storage.serving_root:
            return self.names.served_under(self.storage.serving_root)
        return self.names.served(self.storage.pipeline_root or "")

    @property
    def beam_args(self) -> list[str]:
        """None for the pipeline as a whole: `beam` gives each component its own."""
        return []

    @property
    def dataflow(self) -> Dataflow:
        """Where Dataflow's jobs run; a platform in Google Cloud has its own place for them."""
        return Dataflow(project=None, region=self.beam.region, region_options="beam-region")

    @property
    def _store_is_closed(self) -> bool:
        """Whether TensorFlow cannot open the pipeline root, so that models go elsewhere."""
        root = self.storage.pipeline_root
        return bool(root) and not self.serving_folder.startswith(_OPEN_AT_COMPILE)

    def check_compile(self) -> None:
        """Raises BadInputError that names everything that is missing to compile."""
        self._check(COMPILE)
        root = self.storage.pipeline_root or ""
        if not root.startswith(self.stores):
            raise BadInputError(
                f"--pipeline-root {root}: {self.target} cannot keep artifacts "
                f"there. Use {' or '.join(self.stores)}. Data and --serving-root may be "
                "on a mounted volume."
            )
        if self._store_is_closed:
            raise BadInputError(
                f"With --pipeline-root {root} models cannot be pushed next to it. "
                "Name a gs:// or mounted folder with --serving-root."
            )

    def check_submit(self) -> None:
        """Raises BadInputError that names everything that is missing to submit."""
        self._check(COMPILE, SUBMIT)

    def check_manage(self) -> None:
        """Raises BadInputError that names everything that is missing to manage schedules."""
        self._check(SUBMIT)

    def check_reachable(self) -> None:
        """Raises BadInputError if the platform cannot reach what a compiled job names."""

    def _check(self, *steps: str) -> None:
        missing = fields.missing(self, steps)
        keys = [leaf.key for leaf in missing]
        flags = [leaf.flag for leaf in missing]
        if missing and not self.storage.serving_root and self._store_is_closed:
            keys.append("serving_root")
            flags.append("--serving-root")
        if missing:
            raise BadInputError(
                f"Required for {self.target} but missing: {', '.join(flags)}. Pass them as "
                f"options, or set {', '.join(keys)} in a file named with --config."
            )
