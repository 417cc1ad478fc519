"""The configuration of local runs, typed and frozen; `pipelines/local/options.py` reads it."""

import os
from dataclasses import dataclass
from typing import Protocol

from pipelines.names import Names
from trainer_modules.engine.custom_config import SCRATCH, STARTS
from trainer_modules.engine.errors import BadInputError

STORE = "store"
"""The folder of the store, beside the folders of the steps."""

# Beam's default DirectRunner would look for the Prism binary on the network first.
_BEAM_RUNNER = (
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    # Unless told where workers find TFX, TFX packages itself as an sdist for each component, which
    # takes one to two seconds each. This runner works in the same process and does not need it.
    "--sdk_container_image=none",
)


class PipelineConfig(Protocol):
    """What the DAG reads of a configuration, of this machine's or a platform's."""

    @property
    def task(self) -> str:
        """The task, as `--task` names it."""

    @property
    def names(self) -> Names:
        """All names and locations of the runs."""

    @property
    def max_rejected(self) -> float:
        """Largest fraction of unreadable examples that a run accepts, in [0, 1]."""

    @property
    def on_drift(self) -> str:
        """What drift of the newest examples leads to: `warn`, `stop` or `hold`."""

    @property
    def tune(self) -> int:
        """Trials of a hyperparameter search before training; 0 for none."""

    @property
    def start(self) -> str:
        """Where training starts from: `scratch`, `champion` or `both`."""

    @property
    def fresh(self) -> bool:
        """Whether every step runs again, without the cache."""

    @property
    def promote(self) -> str:
        """`auto` to push a blessed model, `hold` to let it wait for a person's decision."""

    @property
    def keep(self) -> int:
        """How many served versions to keep; 0 for all."""

    @property
    def artifacts_folder(self) -> str:
        """TFX's pipeline root."""

    @property
    def serving_folder(self) -> str:
        """Where versions of the model are pushed."""

    @property
    def checkpoints_folder(self) -> str:
        """Where an interrupted training finds its state; "" for nowhere."""

    @property
    def window(self) -> str:
        """Which spans are read: `newest`, `all` or how many."""

    @property
    def evaluate(self) -> str:
        """What is evaluated: `newest` (the newest span), `window`, or the root of a test set."""

    @property
    def store_folder(self) -> str:
        """Where results are kept that later nights use again; "" for nowhere."""

    @property
    def beam_args(self) -> list[str]:
        """Options for Beam in every component."""


def check_window(window: str, data: str | None) -> None:
    """Raises BadInputError if a window is no number of spans, or the data has no spans."""
    if window not in ("newest", "all") and not (window.isdecimal() and int(window) > 0):
        raise BadInputError(
            f"--window must be newest, all or a number of spans of at least 1. Received: {window}"
        )
    if window != "newest" and "{" not in (data or ""):
        raise BadInputError(
            f"--window {window}: there are no spans to choose from. Write where the span's number "
            "or date is in the path, for example --data 'photos/span-{SPAN}'. "
            f"Received: --data {data}"
        )


ON_DRIFT = ("warn", "stop", "hold")
PROMOTIONS = ("auto", "hold")


def check_promotion(*, promote: str, keep: int) -> None:
    """Raises BadInputError if a way of promoting models is none, or a number of versions."""
    if promote not in PROMOTIONS:
        raise BadInputError(f"--promote must be {' or '.join(PROMOTIONS)}. Received: {promote}")
    if keep < 0:
        raise BadInputError(
            f"--keep must be a number of versions, at least 1; 0 keeps all. Received: {keep}"
        )


def check_start(start: str) -> None:
    """Raises BadInputError if a training cannot start from there."""
    if start not in STARTS:
        raise BadInputError(f"--start must be one of {', '.join(STARTS)}. Received: {start}")


def check_limits(*, max_rejected: float, tune: int, on_drift: str) -> None:
    """Raises BadInputError if a fraction, a number of trials or a choice cannot be one."""
    if not 0 <= max_rejected <= 1:
        raise BadInputError(
            f"--max-rejected must be a fraction within 0..1. Received: {max_rejected:g}"
        )
    if tune < 0:
        raise BadInputError(f"--tune must be a number of trials. Received: {tune}")
    if on_drift not in ON_DRIFT:
        raise BadInputError(
            f"--on-drift must be one of {', '.join(ON_DRIFT)}. Received: {on_drift}"
        )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run of one task on this machine.

    Attributes:
      task: Name of the task, or the path of a task file.
      name: Name under which runs are stored and the model is served; "" for the task's own name.
      data: Folder (or gs:// path) of the data; None for the task's own data.
      root: Folder under which runs, data and served models are kept.
      settings: `KEY=VALUE` changes to the task, in order.
      weights: `imagenet`, `none` or a path; None for the task's setting.
      max_rejected: Largest fraction of unreadable examples that a run accepts, in [0, 1].
      on_drift: What drift of the newest examples leads to: `warn`, `stop` the run before training,
        or `hold` the model back.
      metadata: Where lineage is kept: a SQLite file, or `mysql://user:password@host:port/db`;
        None for a SQLite file under the root.
      beam: Options for Beam, added to the local runner's.
      fresh: Run every step again, ignoring the cache.
      tune: Trials of a hyperparameter search before training; 0 for none.
      start: Where training starts from: `scratch`, `champion` (the last blessed model) or `both`,
        of which the better one goes on.
      promote: `auto` to push a blessed model, `hold` to let it wait for a person's decision.
      keep: How many served versions to keep; 0 for all.
      quiet: Print nothing but the last lines, and nothing at all if there was nothing new.
      notify: A command to run if the night needs a person; "" for none.
      window: Which spans of the data to read: `newest`, `all` or how many.
      evaluate: What to evaluate: `newest` (the newest span), `window` (all that is read), or the
        root of a fixed test set.
    """

    task: str = "digits"
    name: str = ""
    data: str | None = None
    root: str = "runs"
    settings: tuple[str, ...] = ()
    weights: str | None = None
    max_rejected: float = 0.01
    on_drift: str = "warn"
    metadata: str | None = None
    beam: tuple[str, ...] = ()
    fresh: bool = False
    tune: int = 0
    start: str = SCRATCH
    window: str = "newest"
    evaluate: str = "newest"
    promote: str = "auto"
    keep: int = 0
    quiet: bool = False
    notify: str = ""

    def __post_init__(self) -> None:
        check_limits(max_rejected=self.max_rejected, tune=self.tune, on_drift=self.on_drift)
        check_promotion(promote=self.promote, keep=self.keep)
        check_start(self.start)
        check_window(self.window, self.data)
        self.names  # noqa: B018  (raises)

    @property
    def names(self) -> Names:
        """All names and locations of these runs.

        Raises:
          BadInputError: If `name` cannot be one.
        """
        return Names(self.task, self.name)

    @property
    def folder(self) -> str:
        """Folder of these runs; a variant `mnist:b` is stored under `mnist-b`."""
        return self.names.folder(self.root)

    @property
    def serving_folder(self) -> str:
        """Where versions of the model are pushed, as TF Serving and KServe read it."""
        return self.names.served(self.root)

    @property
    def artifacts_folder(self) -> str:
        """TFX's pipeline root: the components' outputs."""
        return os.path.join(self.folder, "artifacts")

    @property
    def store_folder(self) -> str:
        """Where results are kept that later nights use again."""
        return os.path.join(self.artifacts_folder, STORE)

    @property
    def checkpoints_folder(self) -> str:
        """Where an interrupted training finds its state; "" under a root in a bucket."""
        return f"{self.folder}/checkpoints" if "://" not in self.root else ""

    @property
    def metadata_file(self) -> str:
        """The SQLite file of lineage, where `metadata` names no server."""
        return self.metadata or os.path.join(self.folder, "metadata.sqlite")

    @property
    def beam_args(self) -> list[str]:
        """Beam's options: the local runner unless `beam` names another."""
        given = list(self.beam)
        if not any(arg.startswith("--runner") for arg in given):
            given[:0] = _BEAM_RUNNER
        return given
