"""The configuration of cloud runs: options and a configuration file become one frozen object."""

import dataclasses
import os
import tomllib
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from pipelines.cloud import notifications
from pipelines.cloud.notifications import NotifyConfig
from pipelines.cloud.vertex import serving as vertex_serving
from pipelines.cloud.vertex.serving import ServingConfig
from trainer_modules.engine.errors import BadInputError, did_you_mean

VERTEX, KUBEFLOW = "vertex", "kubeflow"
TARGETS = (VERTEX, KUBEFLOW)
# Required options of each command per target; all missing ones are reported together.
_TO_COMPILE = {
    VERTEX: ("pipeline_root", "image", "data"),
    KUBEFLOW: ("pipeline_root", "image", "data"),
}
_TO_SUBMIT = {VERTEX: ("project", "region"), KUBEFLOW: ("host",)}
_OPEN_AT_COMPILE = ("gs://", "/")
# Options that only one of the targets uses.
_ONLY = {
    VERTEX: ("network", "encryption_key", "labels", "disk_gb", "timeout_hours", "endpoint"),
    KUBEFLOW: ("node_selector", "volumes", "secrets", "host", "namespace", "experiment"),
}
# Supported stores of artifacts: Kubeflow's launcher supports these
# (backend/src/v2/objectstore/config.go); Vertex AI takes gs:// only, and a folder is for rehearsals
# of its jobs.
_STORES = {VERTEX: ("gs://", "/"), KUBEFLOW: ("gs://", "s3://", "minio://")}


@dataclass(frozen=True, kw_only=True)
class CloudConfig(ServingConfig, NotifyConfig):
    """One pipeline in the cloud. `root` is not used; `pipeline_root` takes its place.

    Serving on Vertex AI is in `ServingConfig`, notifications are in `NotifyConfig`.

    Attributes:
      target: `vertex` or `kubeflow`.
      pipeline_root: Where the platform keeps artifacts: `gs://…`; on Kubeflow also `s3://…` and
        `minio://…`. A Vertex AI job that is compiled for a rehearsal may use a local folder.
      serving_root: Where versions of models are pushed, `<serving_root>/<name>/<version>`; None
        for `<pipeline_root>/serving`.
      image: The container image, preferably with its digest (`…@sha256:…`).
      training_image: The image to train in, for example the TPU one; None for `image`.
      layout: Which of the task's data layouts `data` has, by class name, where the data cannot be
        read while compiling; None for the task's first.
      project: Google Cloud project.
      region: Google Cloud region, for example `europe-west4`.
      service_account: Account that the pipeline's steps run as.
      network: `projects/NUMBER/global/networks/NAME` to peer with.
      encryption_key: Cloud KMS key (CMEK) for everything that Vertex AI keeps.
      labels: Labels of the job, for billing.
      accelerator: See `pipelines/cloud/accelerators.py`.
      spot: Train on spot (preemptible) machines.
      reservation: Name of a Compute Engine reservation to train on.
      disk_gb: Boot disk of the training machine, GB.
      timeout_hours: Time limit of training, in hours.
      beam_runner: `direct` (inside each step's container) or `dataflow`.
      beam_on: Components whose runner differs from `beam_runner`, as `Component=runner`.
      beam_workers: Processes of the direct runner; 0 for one per core.
      beam_machine: Dataflow's worker machine type.
      beam_max_workers: Upper limit of Dataflow's autoscaling.
      beam_image: Container of Dataflow's workers; None for `image`.
      beam_region: Region of Dataflow's jobs; None for `region`.
      cpu: CPUs of a step's container on Kubeflow and Vertex AI, for example `4`.
      memory: Memory of a step's container, for example `16G`.
      node_selector: Labels of the Kubernetes nodes to train on, in place of GKE's.
      volumes: Kubernetes volumes to mount in every step, as `claim=/path`.
      secrets: Kubernetes secrets as environment, as `secret:key=VARIABLE`.
      host: Address of the Kubeflow Pipelines API.
      namespace: Kubeflow profile's namespace; "" for a single-user installation.
      experiment: Kubeflow experiment of the runs; None for the pipeline's name.
      endpoint: Address of the Vertex AI API, for private endpoints and tests; None for the
        region's own.
    """

    target: str = VERTEX
    pipeline_root: str | None = None
    serving_root: str | None = None
    image: str | None = None
    training_image: str | None = None
    layout: str | None = None
    project: str | None = None
    region: str | None = None
    service_account: str | None = None
    network: str | None = None
    encryption_key: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    accelerator: str = "cpu"
    spot: bool = False
    reservation: str | None = None
    disk_gb: int = 200
    timeout_hours: int = 24
    beam_runner: str = "direct"
    beam_on: tuple[str, ...] = ()
    beam_workers: int | None = None
    beam_machine: str = "n2-standard-4"
    beam_max_workers: int = 10
    beam_image: str | None = None
    beam_region: str | None = None
    cpu: str | None = None
    memory: str | None = None
    node_selector: dict[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    host: str | None = None
    namespace: str = ""
    experiment: str | None = None
    endpoint: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target not in TARGETS:
            raise BadInputError(f"--target {did_you_mean(self.target, TARGETS)}.")
        for name in ("pipeline_root", "serving_root"):
            value = getattr(self, name)
            if value is not None and "://" not in value and not value.startswith("/"):
                raise BadInputError(
                    f"--{_dashed(name)} must be gs://…, s3://…, minio://… or an absolute path "
                    f"that exists in every container. Received: {value}"
                )
        for name in ("data", "serving_root"):
            value = getattr(self, name)
            if value and "://" in value and not value.startswith("gs://"):
                raise BadInputError(
                    f"--{_dashed(name)} {value}: TensorFlow reads and writes only gs:// and "
                    "mounted paths. Mount the bucket (--volume CLAIM=/path) and name the path; "
                    "only the pipeline root may be s3:// or minio://."
                )

    @property
    def folder(self) -> str:
        """Where training keeps its checkpoints: a place that TensorFlow itself can open.

        With artifacts in s3:// or minio:// that is beside the served models.
        """
        if self.artifacts_folder.startswith(_OPEN_AT_COMPILE):
            return self.artifacts_folder
        return self.names.training_beside(self.serving_root or "")

    @property
    def artifacts_folder(self) -> str:
        """The pipeline root of these runs."""
        return self.names.folder(self.pipeline_root or "")

    @property
    def serving_folder(self) -> str:
        """Where versions of the model are pushed."""
        if self.serving_root:
            return self.names.served_under(self.serving_root)
        return self.names.served(self.pipeline_root or "")

    @property
    def beam_args(self) -> list[str]:
        """None for the pipeline as a whole: `cloud_beam` gives each component its own."""
        return []

    @property
    def _store_is_closed(self) -> bool:
        """Whether TensorFlow cannot open the pipeline root, so that models go elsewhere."""
        return bool(self.pipeline_root) and not self.serving_folder.startswith(_OPEN_AT_COMPILE)

    @property
    def without_effect(self) -> list[str]:
        """The given fields that the target ignores."""
        return [
            f.name
            for f in dataclasses.fields(self)
            if f.name in _ONLY[VERTEX if self.target == KUBEFLOW else KUBEFLOW]
            and getattr(self, f.name) not in (f.default, {})
        ]

    def check_compile(self) -> None:
        """Raises BadInputError that names everything that is missing to compile."""
        self._check(_TO_COMPILE[self.target])
        if not (self.pipeline_root or "").startswith(_STORES[self.target]):
            raise BadInputError(
                f"--pipeline-root {self.pipeline_root}: {self.target} cannot keep artifacts "
                f"there. Use {' or '.join(_STORES[self.target])}. Data and --serving-root may be "
                "on a mounted volume."
            )
        if self._store_is_closed:
            raise BadInputError(
                f"With --pipeline-root {self.pipeline_root} models cannot be pushed next to it. "
                "Name a gs:// or mounted folder with --serving-root."
            )
        vertex_serving.check(self)
        notifications.check(self)

    def check_submit(self) -> None:
        """Raises BadInputError that names everything that is missing to submit."""
        self._check((*_TO_COMPILE[self.target], *_TO_SUBMIT[self.target]))

    def check_reachable(self) -> None:
        """Raises BadInputError if Vertex AI cannot store artifacts in the pipeline root."""
        if self.target == VERTEX and not (self.pipeline_root or "").startswith("gs://"):
            raise BadInputError(
                f"--pipeline-root {self.pipeline_root}: Vertex AI keeps artifacts in gs:// only; "
                "a local folder is only for jobs that are compiled for a rehearsal."
            )

    def check_manage(self) -> None:
        """Raises BadInputError that names everything that is missing to manage schedules."""
        self._check(_TO_SUBMIT[self.target])

    def _check(self, names: tuple[str, ...]) -> None:
        missing = [name for name in names if not getattr(self, name)]
        if missing and self.target == KUBEFLOW and not self.serving_root and self._store_is_closed:
            missing.append("serving_root")
        if missing:
            options = ", ".join(f"--{_dashed(name)}" for name in missing)
            raise BadInputError(
                f"Required for {self.target} but missing: {options}. Pass them as options, or set "
                f"{', '.join(missing)} in a file named with --config."
            )


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def build(options: dict[str, Any], file: str | None = None) -> CloudConfig:
    """Returns the configuration of a file, overridden by the given options.

    Args:
      options: Field → value; None where the option was not given.
      file: A TOML or YAML file whose keys are fields of `CloudConfig`; None for none.

    Raises:
      BadInputError: If the file cannot be read, or a key or value in it is wrong.
    """
    values = _read(file) if file else {}
    values.update({key: value for key, value in options.items() if value is not None})
    return CloudConfig(**values)


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as f:
            content = f.read().decode()
    except OSError as error:
        raise BadInputError(f"--config {file}: {error.strerror}.") from error
    if file.endswith((".yaml", ".yml")):
        import yaml

        try:
            values = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise BadInputError(f"--config {file} is not valid YAML: {error}") from error
    else:
        try:
            values = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise BadInputError(f"--config {file} is not valid TOML: {error}") from error
    if not isinstance(values, dict):
        raise BadInputError(f"--config {file} must contain KEY = VALUE pairs.")
    hints = typing.get_type_hints(CloudConfig)
    return {key: _fit(file, key, value, hints) for key, value in values.items()}


def _fit(file: str, key: str, value: Any, hints: dict[str, Any]) -> Any:
    names = [f.name for f in dataclasses.fields(CloudConfig)]
    if key not in names:
        raise BadInputError(f"--config {file}: '{key}' {did_you_mean(key, names)}.")
    hint = hints[key]
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    plain = tuple(typing.get_origin(kind) or kind for kind in kinds)
    if tuple in plain and isinstance(value, list):
        value = tuple(str(item) for item in value)
    if float in plain and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, plain) or (isinstance(value, bool) and bool not in plain):
        wanted = " or ".join(kind.__name__ for kind in plain if kind is not type(None))
        raise BadInputError(f"--config {file}: {key} must be {wanted}. Received: {value!r}")
    return os.path.expandvars(value) if isinstance(value, str) else value
