"""Pusher: TFX's own, but it adds the whole task, holds models, and keeps a record of versions.

A model is evaluated again when images, gates or the check change; if the same export is already
being served, a further version would make every server reload the same model. And a model that
shares no class with the served one is not its next version, even if it has the same destination.
A model that somebody refused or withdrew is not pushed again.

Trainer's model carries the recipe alone, so that a changed gate trains nothing; what is pushed
carries the task of the run that pushed it.
"""

import json
import os
from typing import Any

from tfx.components.pusher import executor
from tfx.components.pusher.component import Pusher
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import Artifact, BaseChannel, Channel, artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.types.component_spec import ChannelParameter
from tfx.utils import io_utils, json_utils, proto_utils

from components.pusher import deciding, hold_advice, pushing
from components.pusher.hold_advice import HoldAdvice
from components.pusher.pushing import Candidate
from components.pusher.served import check_classes, check_target
from trainer_modules.engine.custom_config import KEEP_KEY, PROMOTE_KEY, TASK_KEY
from trainer_modules.engine.saved_model import assets, task_asset, versions

# Properties of the output besides TFX's own.
UNCHANGED = "unchanged"
# The version that waits, and why, as a JSON list.
HELD_VERSION, HELD_REASONS = "held_version", "held_reasons"
HELD_DESTINATION = "held_destination"
# Why a blessed model was neither pushed nor held.
WITHHELD = "withheld"
_HOLD_ALL = "hold"
HOLD_REASON = "the run was started with --promote hold"
_HOLD = "hold"


class Executor(executor.Executor):
    """TFX's executor, which looks into the record of versions before it pushes."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes or holds the model if it is blessed and new; otherwise says what it already is.

        Raises:
          BadInputError: If the served model shares no class with this one, or predicts another
            number; or if the record of versions is damaged.
        """
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[specs.PUSH_DESTINATION_KEY], destination)
        folder = destination.filesystem.base_directory
        config = json.loads(exec_properties["custom_config"])
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        model = self.GetModelPath(input_dict)
        newest = versions.newest(folder)
        if newest is not None:
            check_classes(newest, assets.classes(model))
            check_target(newest, assets.target(model))
        # The input is TFX's own `model` or the blessing that carries one.
        uri = next((a.uri for a in input_dict.get(specs.MODEL_KEY, ())), model)
        candidate = Candidate(
            model=model,
            uri=uri,
            run_id=getattr(self._context, "pipeline_run_id", None) or "",
            task=config[TASK_KEY],
        )
        outcome = pushing.push(
            folder,
            candidate,
            hold=_reasons_to_hold(input_dict, config),
            keep=int(config.get(KEEP_KEY, 0)),
        )
        self._tell(pushed, outcome)
        if outcome.destination:
            io_utils.copy_dir(model, pushed.uri)
            task_asset.complete(pushed.uri, candidate.task)

    def _tell(self, pushed: Artifact, outcome: pushing.Outcome) -> None:
        """Sets the properties of the output."""
        if outcome.destination:
            version = os.path.basename(outcome.destination)
            self._MarkPushed(pushed, pushed_destination=outcome.destination, pushed_version=version)
        else:
            self._MarkNotPushed(pushed)
        if outcome.action == deciding.UNCHANGED:
            pushed.set_int_custom_property(UNCHANGED, 1)
        if outcome.action == deciding.HOLD:
            pushed.set_string_custom_property(HELD_VERSION, outcome.version)
            pushed.set_string_custom_property(HELD_REASONS, json.dumps(outcome.reasons))
            pushed.set_string_custom_property(HELD_DESTINATION, outcome.held_in)
        if outcome.action == deciding.WITHHELD:
            pushed.set_string_custom_property(WITHHELD, outcome.reasons[0])


def _reasons_to_hold(
    input_dict: dict[str, list[Artifact]], config: dict[str, Any]
) -> tuple[str, ...]:
    advised = [
        reason
        for artifact in input_dict.get(_HOLD, ())
        for reason in hold_advice.read(artifact.uri)
    ]
    asked = [HOLD_REASON] if config.get(PROMOTE_KEY) == _HOLD_ALL else []
    return (*asked, *advised)


class PushSpec(specs.PusherSpec):
    """TFX's specification with the advice to hold a model."""

    INPUTS = {
        **specs.PusherSpec.INPUTS,
        _HOLD: ChannelParameter(type=HoldAdvice, optional=True),
    }


class NewModelPusher(Pusher):
    """TFX's Pusher with `Executor`; call it `Pusher` in the pipeline."""

    SPEC_CLASS = PushSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        push_destination: pusher_pb2.PushDestination,
        custom_config: dict[str, Any],
        model_blessing: BaseChannel | None = None,
        infra_blessing: BaseChannel | None = None,
        hold: BaseChannel | None = None,
    ) -> None:
        """Makes the component.

        Args:
          model: The model to push.
          push_destination: The serving folder.
          custom_config: The task, and `PROMOTE_KEY` and `KEEP_KEY` where they differ from the
            defaults.
          model_blessing: ModelGate's verdict.
          infra_blessing: ServingCheck's verdict.
          hold: Reasons of an earlier step to hold a blessed model; see `HoldAdvice`.
        """
        spec = PushSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            hold=hold,
            push_destination=push_destination,
            custom_config=json_utils.dumps(custom_config),
            pushed_model=Channel(type=standard_artifacts.PushedModel),
        )
        base_component.BaseComponent.__init__(self, spec=spec)
