"""Finds the examples from which the champion was made."""

from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio

from components.baseline.champion import data_of

_MODEL, _EXAMPLES, _REJECTED = "model", "examples", "rejected"


class ChampionData(resolver.ResolverStrategy):
    """Resolves the raw Examples behind a model, and what was recorded as they were read.

    Where there is no model, or its data were deleted, it resolves none.

        data = Resolver(
            strategy_class=ChampionData,
            model=champion.outputs["model"],
            examples=Channel(type=standard_artifacts.Examples),
            rejected=Channel(type=RejectedExamples),
        ).with_id("ChampionData")
        DriftCheck(..., champion_rejected=data.outputs["rejected"])

    Pipelines on Kubeflow and Vertex AI support only TFX's own strategies; there DriftCheck does
    without.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[Any]]
    ) -> dict[str, list[Any]]:
        """Returns `input_dict` with at most one artifact under `examples` and `rejected`."""
        none: dict[str, list[Any]] = {**input_dict, _EXAMPLES: [], _REJECTED: []}
        if not input_dict[_MODEL]:
            return none
        data = data_of(store, input_dict[_MODEL][0].id)
        # Of all Examples behind a model, the raw ones are those made together with a record.
        for examples in sorted((a for a in input_dict[_EXAMPLES] if a.id in data), key=_newest):
            together = _made_together(store, examples.id)
            for rejected in sorted(input_dict[_REJECTED], key=_newest):
                if rejected.id in together and _exist(examples, rejected):
                    return {**input_dict, _EXAMPLES: [examples], _REJECTED: [rejected]}
        return none


def _newest(artifact: Any) -> int:
    return -int(artifact.id)


def _exist(*artifacts: Any) -> bool:
    return all(fileio.exists(artifact.uri) for artifact in artifacts)


def _made_together(store: Any, artifact_id: int) -> set[int]:
    """Returns the ids of the artifacts that the artifact's own execution made."""
    output = metadata_store_pb2.Event.OUTPUT
    made_by = {
        event.execution_id
        for event in store.get_events_by_artifact_ids([artifact_id])
        if event.type == output
    }
    events = store.get_events_by_execution_ids(made_by) if made_by else []
    return {event.artifact_id for event in events if event.type == output}
