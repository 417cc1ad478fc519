"""What the report is given: every artifact of the run that it shows."""

from typing import Any

import pytest

from pipelines import tasks
from pipelines.config import RunConfig
from trainer_modules.engine.task import overrides

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _nodes(task_name: str, data: str, platform: Any = None, **config: Any) -> dict[str, Any]:
    """Returns id → node of a task's pipeline."""
    from pipelines.image_pipeline import create_pipeline

    task = tasks.load(task_name, (), "none" if task_name == "imagenet" else None)
    source = getattr(task.source, "stored", task.source)
    run = RunConfig(task=task_name, root="/r", **config)
    chosen = {"platform": platform} if platform else {}
    pipeline = create_pipeline(task, run, data=data, source=source, **chosen)
    return {node.id: node for node in pipeline.components}


def _given(node: Any) -> dict[str, tuple[str, str]]:
    """Returns input → (component, output) that it comes from."""
    return {
        key: (channel.producer_component_id, channel.output_key)
        for key, channel in node.inputs.items()
    }


READ = {
    "examples": ("ImageExampleGen", "examples"),
    "rejected": ("ImageExampleGen", "rejected"),
    "statistics_of_data": ("StatisticsGen", "statistics"),
}
JUDGED = {
    "drift": ("DriftCheck", "drift"),
    "transformed_examples": ("Transform", "transformed_examples"),
    "model_run": ("Trainer", "model_run"),
    "evaluation": ("ImageEvaluator", "evaluation"),
    "blessing": ("ModelGate", "blessing"),
}
CHECKED = {"serving_check": ("ServingCheck", "blessing")}


def test_a_training_is_shown_from_its_data_to_its_verdict() -> None:
    nodes = _nodes("digits", "/data", name="night")
    previous = {"previous_statistics": ("PreviousStatistics", "statistics")}
    model = {"model": ("Trainer", "model")}
    assert _given(nodes["Report"]) == {**READ, **JUDGED, **CHECKED, **model, **previous}
    said = nodes["Report"].exec_properties
    assert said["task"] == overrides.to_json(tasks.load("digits"))
    assert (said["name"], said["data"]) == ("night", "/data")
    assert _given(nodes["ModelCard"]) == {
        "report": ("Report", "report"),
        "pushed_model": ("Pusher", "pushed_model"),
    }
    assert list(nodes)[-2:] == ["Report", "ModelCard"]


@pytest.mark.parametrize(("data", "read"), [("", {}), ("/data", READ)])
def test_a_network_that_is_not_trained_is_shown_with_what_there_is(data: str, read: dict) -> None:
    nodes = _nodes("imagenet", data)
    model = {"model": ("PretrainedModel", "model")}
    assert _given(nodes["Report"]) == {**read, **CHECKED, **model}
    assert "PreviousStatistics" not in nodes


def test_where_lineage_is_not_asked_there_are_no_earlier_statistics() -> None:
    from pipelines.platforms import Platform, latest_pushed

    nodes = _nodes("digits", "/data", Platform(baseline=latest_pushed))
    assert "PreviousStatistics" not in nodes
    assert "previous_statistics" not in _given(nodes["Report"])


def test_the_lineage_names_the_code_that_made_the_model_and_that_of_the_report() -> None:
    from components.report.component import Report
    from pipelines import cache_keys

    trained, loaded = _nodes("digits", "/data"), _nodes("imagenet", "")
    for nodes, name in ((trained, "digits"), (loaded, "imagenet")):
        task = tasks.load(name, (), "none" if name == "imagenet" else None)
        made_by, _, shown_by = nodes["Report"].exec_properties["code_fingerprint"].partition("-")
        assert shown_by == cache_keys.of_step(Report, task)
        maker = nodes.get("Trainer") or nodes["PretrainedModel"]
        assert made_by in str(maker.exec_properties), f"{name}: the maker's own fingerprint"
