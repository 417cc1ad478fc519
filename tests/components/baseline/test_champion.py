"""Which model a run starts from: the last blessed one of other data, told from the lineage."""

from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata

from components.baseline.champion import ChampionStrategy, data_of
from components.pusher import recording
from components.pusher.releases import Event
from tests.components.blessed_models import a_model, gate


class Lineage:
    """A metadata store in memory, filled as the DAG's own steps fill it."""

    def __init__(self, store: Any, folder: Path) -> None:
        self.store, self._folder = store, folder
        self._step = store.put_execution_type(mlmd.ExecutionType(name="step"))
        self.models: list[Any] = []
        self.blessings: list[Any] = []

    def artifact(self, kind: str) -> int:
        type_id = self.store.put_artifact_type(mlmd.ArtifactType(name=kind))
        (artifact_id,) = self.store.put_artifacts([mlmd.Artifact(type_id=type_id)])
        return int(artifact_id)

    def ran(self, read: list[int], wrote: list[int], kind: int = mlmd.Event.OUTPUT) -> None:
        (step,) = self.store.put_executions([mlmd.Execution(type_id=self._step)])
        given = [(i, mlmd.Event.INPUT) for i in read] + [(i, kind) for i in wrote]
        self.store.put_events(
            [mlmd.Event(execution_id=step, artifact_id=i, type=t) for i, t in given]
        )

    def night(self, examples: int, *, start: Any = None, bound: float = 0.8) -> Any:
        """Trains on Examples; ModelGate blesses the model where `bound` is below 0.9."""
        transformed, graph = self.artifact("Examples"), self.artifact("TransformGraph")
        self.ran([examples], [transformed, graph])
        model = a_model(self._folder, self.artifact("Model"), "ab")
        self.ran([transformed, graph, *([start.id] if start else [])], [model.id])
        self.models.append(model)
        blessing = self.artifact("ModelBlessing")
        self.blessings.append(gate(self._folder, model, bound, blessing))
        return model

    def champion(self, examples: int, serving: str = "") -> Any:
        now = type("Examples", (), {"id": examples})
        resolved = ChampionStrategy(serving_folder=serving).resolve_artifacts(
            self.store,
            {"model": self.models, "model_blessing": self.blessings, "examples": [now]},
        )
        assert len(resolved["model"]) == len(resolved["model_blessing"])
        assert resolved["examples"] == [now]
        return resolved["model"][0] if resolved["model"] else None


@pytest.fixture
def lineage(tmp_path: Path) -> Any:
    config = mlmd.ConnectionConfig()
    config.fake_database.SetInParent()
    with metadata.Metadata(config) as handle:
        yield Lineage(handle.store, tmp_path)


def test_the_same_command_finds_the_same_champion_again(lineage: Lineage) -> None:
    first, second, third = (lineage.artifact("Examples") for _ in range(3))
    assert lineage.champion(first) is None
    one = lineage.night(first)
    assert lineage.champion(first) is None
    assert lineage.champion(second) is one
    # Started from the first model, it has not learnt from the first data itself.
    two = lineage.night(second, start=one)
    assert lineage.champion(second) is one
    assert lineage.champion(third) is two
    # Another recipe on the same data is no reason to start from its result.
    lineage.night(second, start=one)
    assert lineage.champion(second) is one
    # Not what the gates refused.
    lineage.night(third, start=two, bound=0.95)
    assert lineage.champion(lineage.artifact("Examples")).id == lineage.models[2].id


def test_a_resolver_that_handed_a_model_on_did_not_make_it(lineage: Lineage) -> None:
    first, second = lineage.artifact("Examples"), lineage.artifact("Examples")
    model = lineage.night(first)
    # As TFX records the node `Champion` itself.
    lineage.ran([second], [model.id], mlmd.Event.INTERNAL_OUTPUT)
    assert second not in data_of(lineage.store, model.id)
    assert lineage.champion(second) is model


def test_a_cached_step_counts_like_one_that_ran(lineage: Lineage) -> None:
    """A step served from the cache is recorded as one more step with the same output."""
    first = lineage.artifact("Examples")
    model = lineage.night(first)
    data = data_of(lineage.store, model.id)
    assert first in data and len(data) == 3
    lineage.ran(sorted(data - {first}), [model.id])
    assert data_of(lineage.store, model.id) == data


def test_a_vanished_champion_gives_way_to_the_one_before(
    lineage: Lineage, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = (lineage.night(lineage.artifact("Examples")) for _ in range(2))
    now = lineage.artifact("Examples")
    (Path(two.uri) / "Format-Serving" / "saved_model.pb").unlink()
    assert lineage.champion(now) is one
    assert two.uri in caplog.text
    (Path(one.uri) / "Format-Serving" / "saved_model.pb").unlink()
    assert lineage.champion(now) is None


def test_what_is_not_promoted_is_no_champion(lineage: Lineage, tmp_path: Path) -> None:
    one, two = (lineage.night(lineage.artifact("Examples")) for _ in range(2))
    serving = str(tmp_path / "serving")
    recording.append(serving, Event(event="held", version="2", model=two.uri))
    now = lineage.artifact("Examples")
    assert lineage.champion(now, serving) is one
    recording.append(serving, Event(event="pushed", version="2", model=two.uri))
    assert lineage.champion(now, serving) is two
