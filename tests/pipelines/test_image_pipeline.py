"""What a change reaches: the parameters that make a component's cache key."""

import pytest

from pipelines import tasks
from pipelines.config import RunConfig
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import sources


@pytest.fixture(scope="module")
def keys(tfx_ready):
    """Returns a function from settings to component id → its parameters."""
    from pipelines.image_pipeline import create_pipeline

    def build(*settings: str, task: str = "digits", source=None, **config) -> dict[str, dict]:
        loaded = tasks.load(task, settings)
        source = source or getattr(loaded.source, "stored", loaded.source)
        pipeline = create_pipeline(
            loaded, RunConfig(task=task, root="/r", **config), data="/data", source=source
        )
        return {c.id: dict(getattr(c, "exec_properties", {})) for c in pipeline.components}

    return build


def _changed(before: dict, after: dict) -> set[str]:
    return {name for name in before if before[name] != after[name]}


LEARNING = {"Tuner", "Trainer"}


@pytest.mark.parametrize(
    ("setting", "reached"),
    [
        ("phases.0.epochs=2", LEARNING),
        ("train.batch_size=16", LEARNING),
        ("model.layers.1.units=32", LEARNING),
        ("input.jpeg_quality=80", {"Transform", "ServingCheck"} | LEARNING),
        ("gates.0.bound=0.5", {"ModelGate"}),
        ("gates=()", {"ModelGate"}),
        ("drift.labels=0.3", {"DriftCheck"}),
        ("slices=('format',)", {"ImageEvaluator"}),
        ("serving.samples=3", {"ServingCheck"}),
        ('serving.formats=("tflite",)', {"ServingCheck"}),
        ('search=[{"type": "Range", "key": "train.seed", "low": 1, "high": 2}]', {"Tuner"}),
        ("source.eval_fraction=0.5", set()),
        ("submission.id_column=image_id", {"BulkPredict"}),
    ],
)
def test_a_setting_reaches_the_steps_that_read_it(keys, setting: str, reached: set[str]) -> None:
    source = sources.TFRecords(train="a", eval="b", unlabelled="c")
    changed = _changed(*(keys(*given, tune=2, source=source) for given in ((), (setting,))))
    # The pushed model carries the whole task, and the report shows it.
    assert changed == reached | {"Pusher", "Report"}


def test_another_layout_of_the_data_reaches_its_reader_alone(keys) -> None:
    other = sources.TFRecords(train="other")
    assert _changed(keys(), keys(source=other)) == {"ImageExampleGen"}


def test_other_weights_under_the_same_name_retrain(keys, tmp_path) -> None:
    weights = tmp_path / "w.h5"
    weights.write_bytes(b"one")
    setting = f"model.weights={weights}"
    before = keys(setting, task="gtsrb")
    weights.write_bytes(b"two")
    after = keys(setting, task="gtsrb")
    assert "Trainer" in _changed(before, after)
    assert "Transform" not in _changed(before, after)


def test_a_task_without_phases_is_exported_checked_and_pushed(tfx_ready) -> None:
    from pipelines.image_pipeline import create_pipeline

    task = tasks.load("imagenet", (), "none")

    def ids(data: str, **config) -> list[str]:
        run = RunConfig(task="imagenet", root="/r", **config)
        pipeline = create_pipeline(task, run, data=data, source=task.source)
        return [node.id for node in pipeline.components]

    exported = ["PretrainedModel", "ServingCheck", "Pusher", "Report", "ModelCard"]
    assert ids("") == exported
    read = ["ImageExampleGen", "ReviewedSchema", "StatisticsGen", "ExampleValidator", "DataGate"]
    assert ids("/data")[-5:] == exported and set(ids("/data")[:-5]) == set(read)
    with pytest.raises(BadInputError, match="there is nothing to tune"):
        ids("", tune=3)


def test_the_start_reaches_training_alone(keys, tfx_ready) -> None:
    from pipelines.image_pipeline import create_pipeline

    before = keys()
    for start in ("champion", "both"):
        assert _changed(before, keys(start=start)) == {"Trainer"}
    assert before == keys(start="scratch")
    # A training from scratch does not read the champion: a new one is no reason to train again.
    task = tasks.load("digits")
    for start, reads in (("scratch", False), ("champion", True), ("both", True)):
        pipeline = create_pipeline(
            task, RunConfig(root="/r", start=start), data="/d", source=task.source.stored
        )
        trainer, champion = (
            next(node for node in pipeline.components if node.id == name)
            for name in ("Trainer", "Champion")
        )
        assert ("base_model" in trainer.inputs) == reads
        if reads:
            assert trainer.inputs["base_model"] is champion.outputs["model"]


def test_nothing_can_be_started_where_nothing_is_trained(tfx_ready) -> None:
    from pipelines.image_pipeline import create_pipeline

    task = tasks.load("imagenet", (), "none")
    run = RunConfig(task="imagenet", root="/r", start="champion")
    with pytest.raises(BadInputError, match="--start: task 'imagenet' does not train"):
        create_pipeline(task, run, data="", source=task.source)
    with pytest.raises(BadInputError, match="--start must be one of scratch, champion, both"):
        RunConfig(start="last")


def test_drift_is_looked_for_before_anything_is_transformed(keys) -> None:
    before, after = keys(), keys(on_drift="hold")
    assert _changed(before, after) == {"DriftCheck"}
    assert after["DriftCheck"]["on_drift"] == "hold"


def test_transform_waits_for_the_drift_check_and_pusher_hears_of_it(tfx_ready) -> None:
    from pipelines.image_pipeline import create_pipeline

    task = tasks.load("digits")
    config = RunConfig(task="digits", root="/r")
    pipeline = create_pipeline(task, config, data="/data", source=task.source.stored)
    nodes = {node.id: node for node in pipeline.components}
    check = nodes["DriftCheck"]
    assert check in nodes["Transform"].upstream_nodes
    assert nodes["DataGate"] in check.upstream_nodes
    assert nodes["Pusher"].inputs["hold"].producer_component is check
    assert set(check.inputs) == {
        *("examples", "rejected", "schema"),
        *("champion", "champion_examples", "champion_rejected"),
    }
