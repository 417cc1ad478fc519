"""What the compiler makes, and platforms take."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Compiled:
    """A compiled job.

    Attributes:
      job: PipelineJob in JSON form, as Vertex AI's API takes it.
      kubernetes: Node settings per executor for Kubeflow; None for none.
    """

    job: dict[str, Any]
    kubernetes: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.job["pipelineSpec"]["pipelineInfo"]["name"])
