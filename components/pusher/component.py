"""Pusher: TFX's own, but it adds the whole task, and never replaces a model by itself or another.

A model is evaluated again when images, gates or the check change; if the same export is already
being served, a further version would make every server reload the same model. And a model that
shares no class with the served one is not its next version, even if it has the same destination.

Trainer's model carries the recipe alone, so that a changed gate trains nothing; what is pushed
carries the task of the run that pushed it.
"""

import json
import os
from typing import Any

from tfx.components.pusher import executor
from tfx.components.pusher.component import Pusher
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2
from tfx.types import Artifact, artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.pusher.served import check_classes, check_target
from components.pusher.served_versions import same_export
from trainer_modules.engine.custom_config import TASK_KEY
from trainer_modules.engine.saved_model import assets, task_asset, versions

UNCHANGED = "unchanged"


class Executor(executor.Executor):
    """TFX's executor, which skips a model whose export is already the newest version."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it is blessed and new; otherwise reports the version that it equals.

        Raises:
          BadInputError: If the served model shares no class with this one, or predicts another
            number.
        """
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        folder = destination.filesystem.base_directory
        blessed = self.CheckBlessing(input_dict)
        newest = versions.newest(folder) if blessed else None
        model = self.GetModelPath(input_dict)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if newest is not None:
            check_classes(newest, assets.classes(model))
            check_target(newest, assets.target(model))
        if newest is None or not same_export(newest, model):
            super().Do(input_dict, output_dict, exec_properties)
        else:
            io_utils.copy_dir(model, pushed.uri)
            version = os.path.basename(newest)
            self._MarkPushed(pushed, pushed_destination=newest, pushed_version=version)
            pushed.set_int_custom_property(UNCHANGED, 1)
        if blessed:
            task = json.loads(exec_properties["custom_config"])[TASK_KEY]
            for copy in (pushed.uri, pushed.get_string_custom_property("pushed_destination")):
                # A version that an earlier run pushed keeps its own.
                task_asset.complete(copy, task)


class NewModelPusher(Pusher):
    """TFX's Pusher with `Executor`; call it `Pusher` in the pipeline."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
