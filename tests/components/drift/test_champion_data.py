"""The champion's data are found in the lineage, in a store filled as the DAG's steps fill it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata

from components.drift.champion_data import ChampionData


class Artifact:
    """An artifact as a resolver gets it."""

    def __init__(self, number: int, folder: Path) -> None:
        self.id, self.uri = number, str(folder / str(number))
        Path(self.uri).mkdir()


class Nights:
    """A metadata store in memory and what its steps wrote."""

    def __init__(self, store: Any, folder: Path) -> None:
        self.store, self._folder = store, folder
        self._step = store.put_execution_type(mlmd.ExecutionType(name="step"))
        self.by_type: dict[str, list[Artifact]] = {}

    def ran(self, read: list[Artifact], *wrote: str) -> list[Artifact]:
        """A step; returns what it wrote, artifacts of these types."""
        made = []
        for kind in wrote:
            type_id = self.store.put_artifact_type(mlmd.ArtifactType(name=kind))
            (number,) = self.store.put_artifacts([mlmd.Artifact(type_id=type_id)])
            made.append(Artifact(number, self._folder))
            self.by_type.setdefault(kind, []).append(made[-1])
        (step,) = self.store.put_executions([mlmd.Execution(type_id=self._step)])
        pairs = [(one.id, mlmd.Event.INPUT) for one in read]
        pairs += [(one.id, mlmd.Event.OUTPUT) for one in made]
        self.store.put_events(
            [mlmd.Event(execution_id=step, artifact_id=i, type=kind) for i, kind in pairs]
        )
        return made

    def night(self) -> tuple[Artifact, Artifact, Artifact]:
        """Returns raw Examples, the record of them, and the model."""
        examples, rejected = self.ran([], "Examples", "components.RejectedExamples")
        transformed, graph = self.ran([examples], "Examples", "TransformGraph")
        (model,) = self.ran([transformed, graph], "Model")
        return examples, rejected, model

    def resolved(self, *model: Artifact) -> tuple[list[Artifact], list[Artifact]]:
        """Returns the Examples and records that are resolved for a model."""
        found = ChampionData().resolve_artifacts(
            self.store,
            {
                "model": list(model),
                "examples": self.by_type.get("Examples", []),
                "rejected": self.by_type.get("components.RejectedExamples", []),
            },
        )
        return found["examples"], found["rejected"]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    config = mlmd.ConnectionConfig()
    config.fake_database.SetInParent()
    with metadata.Metadata(config) as handle:
        yield Nights(handle.store, tmp_path)


def test_the_raw_examples_behind_a_model_and_the_record_of_them(nights: Nights) -> None:
    first = nights.night()
    second = nights.night()
    for examples, rejected, model in (first, second):
        assert nights.resolved(model) == ([examples], [rejected])


def test_no_champion_or_deleted_data_resolve_nothing(nights: Nights) -> None:
    _, rejected, model = nights.night()
    assert nights.resolved() == ([], [])
    Path(rejected.uri).rmdir()
    assert nights.resolved(model) == ([], [])
