"""The nodes that differ between platforms."""

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.fixture
def candidate() -> Any:
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    return Channel(type=standard_artifacts.Model)


def _strategy(node: Any) -> Any:
    from tfx.dsl.components.common import resolver

    assert isinstance(node, resolver.Resolver)
    return node.exec_properties[resolver.RESOLVER_STRATEGY_CLASS]


def _read(node: Any, key: str) -> Any:
    """Returns the channel behind an input of a resolver, whose strategy is applied to all."""
    (given,) = node.inputs[key].output_node.args
    return given.nodes[key].wrapped


def test_on_this_machine_the_candidate_is_never_its_own_baseline(candidate: Any) -> None:
    from components.baseline.resolver import BaselineStrategy
    from pipelines import platforms

    node = platforms.LOCAL.baseline(candidate, "/serving")
    assert (node.id, _strategy(node)) == ("Baseline", BaselineStrategy)
    assert set(node.inputs) == {"model", "model_blessing", "candidate"}
    assert _read(node, "candidate") is candidate


def test_vertex_ai_is_given_the_strategy_that_it_can_execute(candidate: Any) -> None:
    from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy as tfx

    from pipelines import platforms

    node = platforms.latest_blessed(candidate, "gs://b/serving")
    assert (node.id, _strategy(node)) == ("Baseline", tfx.LatestBlessedModelStrategy)
    # Its backend resolves these two inputs and refuses others.
    assert set(node.inputs) == {"model", "model_blessing"}


def test_where_there_are_no_resolvers_a_component_reads_the_serving_folder(candidate: Any) -> None:
    from tfx.dsl.components.base.base_component import BaseComponent

    from components.baseline.pushed import PushedBaseline
    from pipelines import cache_keys, platforms

    node = platforms.latest_pushed(candidate, "/mnt/serving/digits")
    assert isinstance(node, BaseComponent) and node.id == "Baseline"
    assert node.exec_properties["serving_folder"] == "/mnt/serving/digits"
    assert node.exec_properties["code_fingerprint"] == cache_keys.of_step(PushedBaseline)
    assert node.inputs["candidate"] is candidate


@pytest.mark.parametrize("made", ["LOCAL.baseline", "latest_blessed", "latest_pushed"])
def test_whatever_makes_it_the_evaluator_finds_its_model(made: str, candidate: Any) -> None:
    import operator

    from tfx.types import standard_artifacts

    from pipelines import platforms

    node = operator.attrgetter(made)(platforms)(candidate, "/serving")
    assert node.outputs["model"].type is standard_artifacts.Model


def test_the_champion_is_told_by_this_runs_examples() -> None:
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    from components.baseline.champion import ChampionStrategy
    from pipelines import platforms

    examples = Channel(type=standard_artifacts.Examples)
    make = platforms.LOCAL.champion
    assert make is not None
    node = make(examples, "/serving")
    assert (node.id, _strategy(node)) == ("Champion", ChampionStrategy)
    assert _read(node, "examples") is examples
    assert node.outputs["model"].type is standard_artifacts.Model


def test_earlier_statistics_come_from_lineage_on_this_machine_alone() -> None:
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    from components.data_validation.previous_data import PreviousStatistics
    from pipelines import platforms

    now = Channel(type=standard_artifacts.ExampleStatistics)
    make = platforms.LOCAL.previous_data
    assert make is not None
    node = make(now)
    assert (node.id, _strategy(node)) == ("PreviousStatistics", PreviousStatistics)
    assert _read(node, "now") is now
    assert platforms.Platform().previous_data is None


def test_vertex_ai_finds_the_champion_as_it_finds_the_baseline() -> None:
    from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy as tfx
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    from pipelines import platforms

    examples = Channel(type=standard_artifacts.Examples)
    node = platforms.last_blessed_champion(examples, "gs://b/serving")
    assert (node.id, _strategy(node)) == ("Champion", tfx.LatestBlessedModelStrategy)
    assert set(node.inputs) == {"model", "model_blessing"}
