"""What a platform consists of: its folder has one `Target`, and `targets` one line."""

import abc
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.cloud.accelerators import Accelerator, Catalogue
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.doctor.check import Check
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.schedules import UNIX, CronRules
from pipelines.cloud.service import PipelineService
from trainer_modules.engine.errors import BadInputError

if TYPE_CHECKING:
    from pipelines.platforms import Platform


class Target(abc.ABC):
    """One platform that pipelines are compiled for; whatever differs between them is asked here.

    Attributes:
      configuration: Its configuration, which names it.
      ending: Ending of the files that hold its compiled jobs.
      cron: How it reads a schedule's times.
      catalogue: The accelerators that it offers.
      trains_in_the_step: Whether the container of the step trains; else the step waits for a job.
      longest_backoff: Bound of the pauses between attempts of a step, as the platform reads it.
    """

    configuration: ClassVar[type[CloudConfig]]
    ending: ClassVar[str] = "json"
    cron: ClassVar[CronRules] = UNIX
    catalogue: ClassVar[Catalogue]
    trains_in_the_step: ClassVar[bool] = True
    longest_backoff: ClassVar[str] = "3600s"

    @property
    def name(self) -> str:
        """As `--target` takes it."""
        return self.configuration.target

    def accelerator(self, config: Any) -> Accelerator:
        """Returns what to train on.

        Args:
          config: Of this target.

        Raises:
          BadInputError: If the platform does not offer it, or something that it needs is missing.
        """
        chosen = self.catalogue.find(config.accelerator.name)
        if config.accelerator.spot and config.accelerator.reservation:
            raise BadInputError("--spot and --reservation are mutually exclusive. Choose one.")
        return chosen

    @abc.abstractmethod
    def nodes(self, config: Any, accelerator: Accelerator) -> "Platform":
        """Returns what is different in the DAG; TFX may be imported."""

    def finish(self, job: dict[str, Any], config: Any, accelerator: Accelerator) -> Compiled:
        """Returns the compiled job with what only this platform adds; `job` may be changed."""
        del config, accelerator
        return Compiled(job)

    def text(self, compiled: Compiled) -> str:
        """Returns the content of the file of a compiled job."""
        return json.dumps(compiled.job, sort_keys=True, indent=1) + "\n"

    def follow_decision(self, config: Any, folder: str, *, back: bool) -> str:
        """Makes the platform serve the version that somebody decided for; returns what it did.

        Args:
          config: Of this target.
          folder: Where the version is served from.
          back: Whether it was a rollback.

        Raises:
          ServiceError: If the platform rejects a request or is unreachable.
        """
        del config, folder, back
        # Servers that read the folder notice by themselves.
        return ""

    def connect(self, config: Any) -> PipelineService:
        """Returns the platform's service; nothing is sent yet.

        Raises:
          BadInputError: If it has none.
        """
        del config
        raise BadInputError(
            f"{self.name} has no service that this command could reach: use compile, and submit "
            "the file yourself."
        )

    def checks(self, config: Any) -> Sequence[Check]:
        """Returns the checks of `doctor`, beyond that the job compiles."""
        del config
        return ()
