"""Finds the previous data's statistics to compare this run's data with."""

from typing import Any

from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio

_FOUND, _NOW = "statistics", "now"


class PreviousStatistics(resolver.ResolverStrategy):
    """Resolves the newest statistics that are older than this run's own.

    Newer ones are skipped, so that a run whose statistics come from the cache has the same
    comparison as when they were computed.

        previous = Resolver(
            strategy_class=PreviousStatistics,
            statistics=Channel(type=standard_artifacts.ExampleStatistics),
            now=statistics_gen.outputs["statistics"],
        ).with_id("PreviousStatistics")
        Report(..., previous_statistics=previous.outputs["statistics"])

    Pipelines on Kubeflow and Vertex AI support only TFX's own strategies; there Report has no
    comparison.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[Any]]
    ) -> dict[str, list[Any]]:
        """Returns `input_dict` with at most one artifact under `statistics`."""
        del store
        youngest = min(artifact.id for artifact in input_dict[_NOW])
        older = sorted(
            (artifact for artifact in input_dict[_FOUND] if artifact.id < youngest),
            key=lambda artifact: -artifact.id,
        )
        chosen = next((artifact for artifact in older if fileio.exists(artifact.uri)), None)
        return {**input_dict, _FOUND: [chosen] if chosen else []}
