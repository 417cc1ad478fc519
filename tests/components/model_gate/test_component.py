"""The blessing artifact, and which model the next run is compared with."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import startup

startup.prepare()

from ml_metadata.proto import metadata_store_pb2  # noqa: E402
from tfx.components.util import model_utils  # noqa: E402
from tfx.orchestration import metadata  # noqa: E402
from tfx.types import standard_artifacts  # noqa: E402

from components.baseline.resolver import BaselineStrategy  # noqa: E402
from components.model_gate import component as model_gate  # noqa: E402
from trainer_modules.engine.task import overrides  # noqa: E402
from trainer_modules.engine.task.gates import AtLeast  # noqa: E402


def a_model(folder: Path, model_id: int, classes: str = "") -> standard_artifacts.Model:
    saved = folder / str(model_id) / "Format-Serving" / "saved_model.pb"
    saved.parent.mkdir(parents=True)
    saved.write_bytes(b"")
    (saved.parent / "variables").mkdir()
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (saved.parent / "variables" / name).write_bytes(b"values")
    if classes:
        (saved.parent / "assets").mkdir()
        (saved.parent / "assets/classes.txt").write_text("".join(f"{c}\n" for c in classes))
    model = standard_artifacts.Model()
    model.uri = str(folder / str(model_id))
    model.id = model_id
    return model


def gate(folder: Path, model: Any, bound: float, blessing_id: int = 0) -> Any:
    """Runs ModelGate on an accuracy of 0.9."""
    evaluation = standard_artifacts.ModelEvaluation()
    evaluation.uri = str(folder / "evaluation")
    Path(evaluation.uri).mkdir(exist_ok=True)
    report = {"metrics": {"accuracy": 0.9}, "per_class": {}, "slices": {}, "baseline": None}
    Path(evaluation.uri, "report.json").write_text(json.dumps(report))
    baseline = {"used": True, "reason": "", "uri": "/models/before"}
    Path(evaluation.uri, "baseline.json").write_text(json.dumps(baseline))
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(folder / f"blessing{blessing_id}")
    blessing.id = blessing_id
    model_gate.Executor().Do(
        {"evaluation": [evaluation], "model": [model]},
        {"blessing": [blessing]},
        {"gates": overrides.to_json((AtLeast("accuracy", bound),))},
    )
    return blessing


@pytest.mark.parametrize(("bound", "blessed"), [(0.8, True), (0.95, False)])
def test_blessing_is_what_pusher_reads(tmp_path: Path, bound: float, blessed: bool) -> None:
    model = a_model(tmp_path, 7)
    blessing = gate(tmp_path, model, bound)
    assert model_utils.is_model_blessed(blessing) is blessed
    folder = Path(blessing.uri)
    assert (folder / "BLESSED").exists() is blessed
    assert (folder / "NOT_BLESSED").exists() is not blessed
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("current_model") == model.uri
    assert blessing.get_string_custom_property("baseline_model") == "/models/before"
    judged = json.loads((folder / "gates.json").read_text())
    assert [(one["metric"], one["passed"]) for one in judged] == [("accuracy", blessed)]
    assert judged[0]["status"] == ("passed" if blessed else "failed")


@pytest.fixture
def store() -> Any:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    with metadata.Metadata(config) as handle:
        yield handle.store


def resolve(store: Any, models: list[Any], blessings: list[Any], candidate: Any) -> list[int]:
    found = BaselineStrategy().resolve_artifacts(
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
