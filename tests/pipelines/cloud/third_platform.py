"""A third platform, as its own folder would hold it: it compiles, and has no service."""

from dataclasses import dataclass
from typing import Any, ClassVar

from pipelines.cloud.accelerators import Accelerator, Catalogue
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.fields import option, part
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.target import Target


@dataclass(frozen=True, kw_only=True)
class QueueConfig:
    """Where its jobs wait."""

    name: str | None = option(None, "queue of the jobs", key="queue", metavar="Q", needed="compile")
    priority: int = option(0, "priority of the jobs", metavar="N")


@dataclass(frozen=True, kw_only=True)
class ThirdConfig(CloudConfig):
    """One pipeline on the third platform."""

    target: ClassVar[str] = "third"
    stores: ClassVar[tuple[str, ...]] = ("/",)

    queue: QueueConfig = part(QueueConfig, "where: the third platform")


class Third(Target):
    """Runs jobs in JSON, on CPUs."""

    configuration = ThirdConfig
    catalogue = Catalogue(where="queues", offers=lambda accelerator: False)

    def nodes(self, config: ThirdConfig, accelerator: Accelerator) -> Any:
        from pipelines.platforms import Platform, latest_pushed

        return Platform(baseline=latest_pushed)

    def finish(self, job: dict[str, Any], config: Any, accelerator: Accelerator) -> Compiled:
        job["queue"] = {"name": config.queue.name, "priority": config.queue.priority}
        return Compiled(job)


TARGET = Third()
