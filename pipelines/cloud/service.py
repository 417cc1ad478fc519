"""What a platform's service does with compiled pipelines."""

from typing import Any, Protocol

from pipelines.cloud.compiled import Compiled
from pipelines.cloud.schedules import Scheduled, Timing


class PipelineService(Protocol):
    """The operations of every platform; failures raise `ServiceError`."""

    def run_request(self, compiled: Compiled, values: dict[str, Any]) -> dict[str, Any]:
        """Returns the request that starts a run, as plain values."""

    def submit(self, compiled: Compiled, values: dict[str, Any]) -> tuple[str, str]:
        """Starts a run; returns its name and the link to its page."""

    def state(self, run: str) -> tuple[str, bool | None, str]:
        """Returns a run's state, whether it succeeded (None: not over yet), and why not."""

    def blessings(self, run: str) -> dict[str, bool]:
        """Returns which steps of a run that succeeded blessed the model, and which did not."""

    def schedule_request(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> dict[str, Any]:
        """Returns the request that creates a schedule, as plain values."""

    def schedule(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> Scheduled:
        """Creates or updates the schedule with this name; a paused schedule stays paused."""

    def schedules(self) -> list[dict[str, str]]:
        """Returns the schedules: name, state, cron, next."""

    def change(self, name: str, what: str) -> None:
        """Pauses, resumes or deletes (`what`) the schedule with this name."""
