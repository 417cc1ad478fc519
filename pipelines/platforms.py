"""The differences between platforms in the DAG; everything else is the same everywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx.components.trainer.component import Trainer
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from components.baseline.champion import ChampionStrategy
from components.baseline.pushed import PushedBaseline
from components.baseline.resolver import BaselineStrategy
from components.data_validation.previous_data import PreviousStatistics
from components.drift.champion_data import ChampionData
from components.example_gen.artifacts import RejectedExamples
from pipelines import cache_keys

_BASELINE, _CHAMPION = "Baseline", "Champion"
# The strategies' own name for the folder of pushed versions.
_FOLDER = "serving_folder"


def _other_than_candidate(candidate: BaseChannel, serving_folder: str) -> BaseNode:
    return Resolver(
        strategy_class=BaselineStrategy,
        config={_FOLDER: serving_folder},
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        candidate=candidate,
    ).with_id(_BASELINE)


def latest_blessed(candidate: BaseChannel, serving_folder: str) -> BaseNode:
    """Returns the resolver that Vertex AI itself executes."""
    del candidate, serving_folder
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id(_BASELINE)


def last_blessed_champion(examples: BaseChannel, serving_folder: str) -> BaseNode:
    """Returns the resolver of the champion that Vertex AI itself executes.

    It also finds a model of these very Examples, so that the same command run again checks the
    drift again; nothing is trained for that.
    """
    del examples, serving_folder
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id(_CHAMPION)


def latest_pushed(candidate: BaseChannel, serving_folder: str) -> BaseNode:
    """Returns the component for platforms that have no resolvers."""
    return PushedBaseline(
        candidate=candidate,
        serving_folder=serving_folder,
        code_fingerprint=cache_keys.of_step(PushedBaseline),
    ).with_id(_BASELINE)


def learnt_from_others(examples: BaseChannel, serving_folder: str) -> BaseNode:
    """Returns the resolver of the champion on this machine."""
    return Resolver(
        strategy_class=ChampionStrategy,
        config={_FOLDER: serving_folder},
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        examples=examples,
    ).with_id(_CHAMPION)


def _behind_the_champion(model: BaseChannel) -> BaseNode:
    return Resolver(
        strategy_class=ChampionData,
        model=model,
        examples=Channel(type=standard_artifacts.Examples),
        rejected=Channel(type=RejectedExamples),
    ).with_id("ChampionData")


def _counted_before(now: BaseChannel) -> BaseNode:
    return Resolver(
        strategy_class=PreviousStatistics,
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        now=now,
    ).with_id("PreviousStatistics")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The platform on which the DAG will run.

    Attributes:
      baseline: Makes the node `Baseline` with the output `model`, the model to compare with, from
        the candidate's channel and the serving folder.
      champion: Makes the node `Champion`, whose output `model` is the last blessed model that did
        not learn from these Examples, or empty, from the channel of Examples and the serving
        folder; None where nothing reads it.
      champion_data: Makes the node whose outputs `examples` and `rejected` are the data from which
        the champion was made, from the champion's channel; None where the platform has no such
        resolver.
      previous_data: Makes the node whose output `statistics` are those of the data before, from
        the channel of this run's; None where the platform has no such resolver.
      trainer: The Trainer to use.
      training: Additional `custom_config` of that Trainer.
      tuner: The Tuner to use.
      tuning: Additional `custom_config` of that Tuner.
      after_push: Creates the node that processes the pushed model, from Pusher's channel; None for
        none.
      draws: Whether the platform's own UI displays metrics and confusion matrices.
      dashes: Whether names of pipelines may contain dashes but no underscores.
    """

    baseline: Callable[[BaseChannel, str], BaseNode] = _other_than_candidate
    champion: Callable[[BaseChannel, str], BaseNode] | None = None
    champion_data: Callable[[BaseChannel], BaseNode] | None = None
    previous_data: Callable[[BaseChannel], BaseNode] | None = None
    trainer: type[Trainer] = Trainer
    training: Mapping[str, Any] = field(default_factory=dict)
    tuner: type[Tuner] = Tuner
    tuning: Mapping[str, Any] = field(default_factory=dict)
    after_push: Callable[[BaseChannel], BaseNode] | None = None
    draws: bool = False
    dashes: bool = False


LOCAL = Platform(
    champion=learnt_from_others,
    champion_data=_behind_the_champion,
    previous_data=_counted_before,
)
