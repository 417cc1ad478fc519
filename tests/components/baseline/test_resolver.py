"""Which model the next run is compared with."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from components.baseline.resolver import BaselineStrategy
from components.pusher import recording
from components.pusher.releases import Event
from tests.components.blessed_models import a_model, gate


@pytest.fixture
def store() -> Any:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    with metadata.Metadata(config) as handle:
        yield handle.store


def resolve(
    store: Any, models: list[Any], blessings: list[Any], candidate: Any, serving: str = ""
) -> list[int]:
    found = BaselineStrategy(serving_folder=serving).resolve_artifacts(
        store, {"model": models, "model_blessing": blessings, "candidate": [candidate]}
    )
    assert len(found["model"]) == len(found["model_blessing"])
    assert found["candidate"] == [candidate]
    return [model.id for model in found["model"]]


def test_baseline_is_the_last_blessed_other_model(tmp_path: Path, store: Any) -> None:
    models = [a_model(tmp_path, i) for i in (1, 2, 3, 4)]
    first, second, third, fourth = models
    blessings = [gate(tmp_path, first, 0.8, 11)]
    assert resolve(store, models[:1], [], first) == []
    # Run again: the first model is blessed now, yet is not its own baseline.
    assert resolve(store, models[:1], blessings, first) == []
    blessings.append(gate(tmp_path, second, 0.8, 12))
    assert resolve(store, models[:2], blessings, second) == [1]
    blessings.append(gate(tmp_path, third, 0.95, 13))
    assert resolve(store, models, blessings, fourth) == [2]


def test_a_vanished_baseline_gives_way_to_the_one_before(tmp_path: Path, store: Any) -> None:
    models = [a_model(tmp_path, i) for i in (1, 2, 3)]
    blessings = [gate(tmp_path, model, 0.8, 10 + model.id) for model in models[:2]]
    (Path(models[1].uri) / "Format-Serving" / "saved_model.pb").unlink()
    assert resolve(store, models, blessings, models[2]) == [1]
    # With none left, the last one is handed on for ImageEvaluator to say so.
    (Path(models[0].uri) / "Format-Serving" / "saved_model.pb").unlink()
    assert resolve(store, models, blessings, models[2]) == [2]


def test_the_baseline_is_the_newest_that_can_be_compared_with(tmp_path: Path, store: Any) -> None:
    """Another folder's model in between is passed over, and going back finds the former one."""
    every = ("ab", "ab", "xy", "bc", "xy")
    models = [a_model(tmp_path, i + 1, classes) for i, classes in enumerate(every)]
    blessings = [gate(tmp_path, model, 0.8, 10 + model.id) for model in models]
    for candidate, expected in (("ab", 2), ("ba", 2), ("xy", 5), ("bcd", 4), ("ax", 5), ("pq", 5)):
        new = a_model(tmp_path / candidate, 9, candidate)
        assert resolve(store, [*models, new], blessings, new) == [expected], candidate
    # Not a refused one, however alike.
    refused = gate(tmp_path, models[1], 0.95, 12)
    new = a_model(tmp_path / "again", 9, "ab")
    assert resolve(store, [*models, new], [blessings[0], refused], new) == [1]


@pytest.mark.parametrize("event", ["held", "approved", "refused", "withdrawn"])
def test_what_is_not_promoted_is_no_baseline(tmp_path: Path, store: Any, event: str) -> None:
    """The next model is compared with what is served, not with what was taken back."""
    models = [a_model(tmp_path, i) for i in (1, 2, 3)]
    blessings = [gate(tmp_path, model, 0.8, 10 + model.id) for model in models]
    serving = str(tmp_path / "serving")
    for version, model in enumerate(models[:2]):
        recording.append(serving, Event(event="pushed", version=str(version), model=model.uri))
    assert resolve(store, models, blessings, models[2], serving) == [2]
    recording.append(serving, Event(event=event, version="1", model=models[1].uri))
    assert resolve(store, models, blessings, models[2], serving) == [1]
    # Restored, it is the baseline again.
    recording.append(serving, Event(event="rolled_back", version="1", model=models[1].uri))
    assert resolve(store, models, blessings, models[2], serving) == [2]


def test_a_version_withdrawn_before_the_record_knew_its_model(tmp_path: Path, store: Any) -> None:
    models = [a_model(tmp_path, i) for i in (1, 2, 3)]
    blessings = [gate(tmp_path, model, 0.8, 10 + model.id) for model in models]
    for model in models:
        exported = Path(model.uri) / "Format-Serving"
        (exported / "fingerprint.pb").write_text(f"export {model.id}")
        (exported / "saved_model.pb").write_text("graph")
    serving = tmp_path / "serving"
    shutil.copytree(Path(models[1].uri) / "Format-Serving", serving / "withdrawn/7")
    recording.append(str(serving), Event(event="withdrawn", version="7"))
    assert resolve(store, models, blessings, models[2], str(serving)) == [1]
