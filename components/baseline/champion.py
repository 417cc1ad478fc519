"""Chooses the champion: the last blessed model that learnt from other data than this run's."""

import logging
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from components.baseline.resolver import exists, promoted_newest_first

_log = logging.getLogger("tfx_vision")
_MODEL, _BLESSING, _EXAMPLES = "model", "model_blessing", "examples"
# Between a model and its raw Examples lie those that Transform wrote, and its graph. A model in
# between is none of its data: it is what the training started from.
_DATA = {standard_artifacts.Examples.TYPE_NAME, standard_artifacts.TransformGraph.TYPE_NAME}
_INPUT, _OUTPUT = metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.OUTPUT


class ChampionStrategy(resolver.ResolverStrategy):
    """Resolves the last promoted model that did not learn from this run's Examples; or no model.

    It is known before anything is trained. A model that learnt from these very Examples is passed
    over: once this run's own model is blessed, the same command finds the same champion again, and
    whatever reads it stays cached. A model whose files no longer exist gives way to the one before.

        champion = Resolver(
            strategy_class=ChampionStrategy,
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
            examples=example_gen.outputs["examples"],
            config={"serving_folder": "/runs/serving/flowers"},
        ).with_id("Champion")
        Trainer(..., base_model=champion.outputs["model"])
    """

    def __init__(self, serving_folder: str = "") -> None:
        """Makes the strategy.

        Args:
          serving_folder: Where models are pushed; those that its record calls held, refused or
            withdrawn are no champion. "" to ask no record.
        """
        self._serving_folder = serving_folder

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[Any]]
    ) -> dict[str, list[Any]]:
        """Returns `input_dict` with at most one `model` and its `model_blessing`."""
        now = {artifact.id for artifact in input_dict[_EXAMPLES]}
        for model, blessing in promoted_newest_first(input_dict, self._serving_folder):
            if now & data_of(store, model.id):
                continue
            if exists(model.uri):
                return {**input_dict, _MODEL: [model], _BLESSING: [blessing]}
            _log.warning("a blessed model no longer exists; trying the previous one: %s", model.uri)
        return {**input_dict, _MODEL: [], _BLESSING: []}


def data_of(store: Any, artifact_id: int) -> set[int]:
    """Returns the ids of all Examples, raw and transformed, that an artifact was made from.

    Args:
      store: The metadata store.
      artifact_id: The artifact, a model for example.
    """
    data: set[int] = set()
    newly = {artifact_id}
    while newly:
        made = _events(store.get_events_by_artifact_ids(newly), _OUTPUT)
        executions = {event.execution_id for event in made}
        if not executions:
            break
        read = _events(store.get_events_by_execution_ids(executions), _INPUT)
        artifacts = store.get_artifacts_by_id({event.artifact_id for event in read} - data)
        newly = {artifact.id for artifact in artifacts if artifact.type in _DATA}
        data |= newly
    return data


def _events(events: Iterable[Any], kind: int) -> list[Any]:
    return [event for event in events if event.type == kind]
