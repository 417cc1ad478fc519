"""The nodes that read, describe and judge the data: which they are, and what they are told."""

import dataclasses
import json
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines import tasks
from pipelines.config import RunConfig
from tests.module_graph import ROOT
from trainer_modules.engine.task.task import Task


@pytest.fixture
def built(tfx_ready):
    """Returns a function from a task to its schema's channel, and id → node."""
    from pipelines import data_nodes

    def build(task: Task, name: str, **config: Any) -> tuple[Any, dict[str, Any]]:
        run = RunConfig(task=name, root="/r", **config)
        source = getattr(task.source, "stored", task.source)
        examples = data_nodes.read(task, run, "/data", source)
        nodes: list[Any] = []
        schema = data_nodes.judged(nodes, task, run, examples)
        return schema, {node.id: node for node in [examples, *nodes]}

    return build


def test_a_reviewed_schema_is_what_the_data_is_held_against(built) -> None:
    task = tasks.load("digits")
    schema, nodes = built(task, "digits", max_rejected=0.25)
    assert [*nodes][-4:] == ["StatisticsGen", "ReviewedSchema", "ExampleValidator", "DataGate"]
    assert schema is nodes["ReviewedSchema"].outputs["schema"]
    given = schema_pb2.Schema()
    text_format.Parse(nodes["ReviewedSchema"].exec_properties["text"], given)
    (label,) = (domain for domain in given.string_domain if domain.name == "label")
    assert sorted(label.value) == sorted(task.problem.names)
    assert nodes["DataGate"].exec_properties["max_rejected"] == 0.25


def test_without_one_it_is_inferred_from_the_statistics(built, tmp_path) -> None:
    text = (ROOT / "trainer_modules/digits.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace('"digits"', '"mine"'))
    task = tasks.load(str(tmp_path / "mine.py"))
    schema, nodes = built(task, str(tmp_path / "mine.py"))
    assert "ReviewedSchema" not in nodes
    assert schema is nodes["InferredSchema"].outputs["schema"]
    known = schema_pb2.Schema()
    text_format.Parse(nodes["InferredSchema"].exec_properties["known"], known)
    assert {"image", "label"} <= {feature.name for feature in known.feature}


@pytest.mark.parametrize("trained", [True, False])
def test_images_without_labels_are_described_only_where_nothing_else_is(
    built, trained: bool
) -> None:
    """Their statistics would be compared with the training's, which have labels."""
    task = tasks.load("digits")
    if not trained:
        task = dataclasses.replace(task, phases=())
    _, nodes = built(task, "digits")
    excluded = json.loads(nodes["StatisticsGen"].exec_properties["exclude_splits"])
    assert excluded == (["unlabelled", "judged"] if trained else [])


def test_the_reader_is_told_the_layout_and_the_kind_of_problem(built) -> None:
    task = tasks.load("digits")
    _, nodes = built(task, "digits")
    told = nodes["ImageExampleGen"].exec_properties
    assert json.loads(told["source"])["type"] == type(task.source.stored).__name__  # type: ignore[union-attr]
    assert json.loads(told["problem"])["classes"] == list(task.problem.names)


def test_the_reader_is_told_the_window_and_where_to_remember(built) -> None:
    task = tasks.load("digits")
    _, nodes = built(task, "digits", data="/d/span-{SPAN}", window="7", evaluate="window")
    told = nodes["ImageExampleGen"].exec_properties
    assert (told["window"], told["evaluate"]) == ("7", "window")
    assert told["store"].startswith("/r/digits/")
