"""The parts of every platform's configuration; a platform extends them, or adds its own."""

from dataclasses import dataclass

from pipelines import config
from pipelines.cloud.fields import COMPILE, COMPILING, SCHEDULE, SUBMIT, UPLOAD, option
from pipelines.names import Names
from trainer_modules.engine.errors import BadInputError

_SECRET = "env:"


@dataclass(frozen=True, kw_only=True)
class WorkConfig:
    """What to run."""

    task: str = option(
        "digits",
        "a task of this repository or a task file; default: digits",
        metavar="NAME|FILE.py",
        commands=(*COMPILING, UPLOAD),
    )
    name: str = option(
        "", "name of the pipeline and the served model; default: the task's", metavar="NAME"
    )
    data: str | None = option(
        None,
        "the task's data; may contain {SPAN}",
        metavar="gs://…|/PATH",
        commands=(*COMPILING, UPLOAD),
        needed=COMPILE,
    )
    window: str = option(
        "newest", "spans to train on, where --data has {SPAN}", metavar="newest|N|all"
    )
    evaluate: str = option(
        "newest", "what to evaluate; default: the newest span", metavar="newest|window|PATH"
    )
    # By class name, for data that cannot be read while compiling.
    layout: str | None = option(
        None, "layout of the data; default: the task's first", metavar="CLASS"
    )
    settings: tuple[str, ...] = option(
        (), "change a value of the task; may be repeated", flag="--set", metavar="KEY=VALUE"
    )
    weights: str | None = option(None, "weights of the backbone", metavar="imagenet|none|PATH")
    max_rejected: float = option(
        0.01, "stop if a larger fraction of the examples cannot be read", metavar="FRACTION"
    )
    on_drift: str = option(
        "warn",
        "what drift of the newest examples leads to: a warning, the end of the run before "
        "training, or a model that waits for approval; default: warn",
        metavar="warn|stop|hold",
    )
    tune: int = option(0, "search hyperparameters in N trials first", metavar="N")
    promote: str = option(
        "auto", "hold: a blessed model waits for --approve; default: auto", metavar="auto|hold"
    )
    keep: int = option(0, "versions kept after a push; default: 0, all", metavar="K")
    fresh: bool = option(
        False, "run every step again", flag="--no-cache", commands=(SUBMIT, SCHEDULE)
    )

    def __post_init__(self) -> None:
        config.check_limits(max_rejected=self.max_rejected, tune=self.tune, on_drift=self.on_drift)
        config.check_promotion(promote=self.promote, keep=self.keep)
        config.check_window(self.window, self.data)
        _check_readable("data", self.data)
        _check_readable("evaluate", self.evaluate)
        self.names  # noqa: B018  (raises)

    @property
    def names(self) -> Names:
        """All names and locations of these runs.

        Raises:
          BadInputError: If `name` cannot be one.
        """
        return Names(self.task, self.name)


@dataclass(frozen=True, kw_only=True)
class StorageConfig:
    """Where artifacts and models are kept."""

    pipeline_root: str | None = option(
        None,
        "where artifacts are kept: gs://…; on Kubeflow also s3://… and minio://…",
        metavar="PATH",
        needed=COMPILE,
    )
    serving_root: str | None = option(
        None, "where models are pushed; default: <pipeline root>/serving", metavar="PATH"
    )

    def __post_init__(self) -> None:
        for key, value in (
            ("pipeline-root", self.pipeline_root),
            ("serving-root", self.serving_root),
        ):
            if value is not None and "://" not in value and not value.startswith("/"):
                raise BadInputError(
                    f"--{key} must be gs://…, s3://…, minio://… or an absolute path "
                    f"that exists in every container. Received: {value}"
                )
        _check_readable("serving-root", self.serving_root)


@dataclass(frozen=True, kw_only=True)
class ContainerConfig:
    """What the steps run in, and as whom."""

    image: str | None = option(
        None, "container image, preferably with its digest", metavar="IMAGE", needed=COMPILE
    )
    # For example the one for TPUs.
    training_image: str | None = option(
        None, "container image for training; default: --image", metavar="IMAGE"
    )
    service_account: str | None = option(
        None, "service account that the steps run as", metavar="ACCOUNT"
    )
    cpu: str | None = option(None, "CPUs of a step", metavar="N")
    memory: str | None = option(None, "memory of a step, for example 16G", metavar="SIZE")


@dataclass(frozen=True, kw_only=True)
class AcceleratorConfig:
    """What to train on."""

    name: str = option(
        "cpu",
        "what to train on; default: cpu",
        key="accelerator",
        metavar="cpu|nvidia-t4:2|tpu-v5e-8|…",
    )
    spot: bool = option(False, "train on spot (preemptible) machines")
    reservation: str | None = option(None, "Compute Engine reservation to train on", metavar="NAME")


@dataclass(frozen=True, kw_only=True)
class BeamConfig:
    """How Beam runs: inside each step's container, or on Dataflow."""

    runner: str = option("direct", "default: direct", key="beam_runner", metavar="direct|dataflow")
    on: tuple[str, ...] = option(
        (),
        "another runner for a component; may be repeated",
        key="beam_on",
        metavar="COMPONENT=RUNNER",
    )
    # None for what suits the platform.
    workers: int | None = option(
        None,
        "processes of the direct runner; 0: one for each core",
        key="beam_workers",
        metavar="N",
    )
    machine: str = option(
        "n2-standard-4", "machine of Dataflow's workers", key="beam_machine", metavar="TYPE"
    )
    max_workers: int = option(
        10, "limit of Dataflow's autoscaling", key="beam_max_workers", metavar="N"
    )
    image: str | None = option(
        None, "image of Dataflow's workers; default: --image", key="beam_image", metavar="IMAGE"
    )
    region: str | None = option(
        None, "region of Dataflow's jobs", key="beam_region", metavar="REGION"
    )
    arguments: tuple[str, ...] = option(
        (), "an option for Beam; may be repeated", key="beam", metavar="ARG"
    )


@dataclass(frozen=True, kw_only=True)
class NotifyConfig:
    """Who hears of failed runs and rejected models."""

    webhook: str | None = option(
        None, "receives a POST request with JSON", key="notify_webhook", metavar="URL|env:NAME"
    )

    def __post_init__(self) -> None:
        if self.webhook is not None and not self.webhook.startswith(
            ("http://", "https://", _SECRET)
        ):
            raise BadInputError(
                "--notify-webhook must be http://…, https://…, or env:NAME for a variable that "
                f"--secret sets in every step. Received: {self.webhook}"
            )

    @property
    def is_secret(self) -> bool:
        """Whether the address is in a variable of the step."""
        return (self.webhook or "").startswith(_SECRET)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses that the platform itself e-mails."""
        return ()


def _check_readable(option_name: str, value: str | None) -> None:
    """Checks that TensorFlow can open a location."""
    if value and "://" in value and not value.startswith("gs://"):
        raise BadInputError(
            f"--{option_name} {value}: TensorFlow reads and writes only gs:// and "
            "mounted paths. Mount the bucket (--volume CLAIM=/path) and name the path; "
            "only the pipeline root may be s3:// or minio://."
        )
