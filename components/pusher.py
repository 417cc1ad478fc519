"""Pusher: TFX's own, which does not push a second time what is the newest version already.

A model is judged again when photos, gates or the check change; if it is the same export that is
being served, a further version would make every server load what it has.
"""

import os
from collections.abc import Iterator
from typing import Any

from tfx.components.pusher import executor
from tfx.components.pusher.component import Pusher
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import Artifact, artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.pushed_baseline import newest_version

UNCHANGED = "unchanged"
# TensorFlow writes it with every export; it holds checksums and an id of that export alone.
_FINGERPRINT = "fingerprint.pb"


def same_export(pushed: str, model: str) -> bool:
    """Says whether a pushed version is the export of a SavedModel in `model`, and whole.

    A push that was killed may have left the fingerprint and not the weights: every file must be
    there in its size. Beside them there may be others, such as the model's card.
    """
    sizes = {os.path.relpath(path, model): size for path, size in _files(model)}
    there = {os.path.relpath(path, pushed): size for path, size in _files(pushed)}
    if not sizes.get(_FINGERPRINT) or not sizes.items() <= there.items():
        return False
    one, other = (os.path.join(folder, _FINGERPRINT) for folder in (pushed, model))
    return _read(one) == _read(other)


def _files(folder: str) -> Iterator[tuple[str, int]]:
    import tensorflow as tf

    for path, _, names in tf.io.gfile.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            yield file, tf.io.gfile.stat(file).length


def _read(path: str) -> bytes:
    with fileio.open(path, "rb") as f:
        return bytes(f.read())


class Executor(executor.Executor):
    """TFX's executor, unless the newest version is the model's own export."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it is blessed and new; else says which version it is."""
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        folder = destination.filesystem.base_directory
        newest = newest_version(folder) if self.CheckBlessing(input_dict) else None
        model = self.GetModelPath(input_dict)
        if newest is None or not same_export(newest, model):
            super().Do(input_dict, output_dict, exec_properties)
            return
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        io_utils.copy_dir(model, pushed.uri)
        self._MarkPushed(pushed, pushed_destination=newest, pushed_version=os.path.basename(newest))
        pushed.set_int_custom_property(UNCHANGED, 1)


class NewModelPusher(Pusher):
    """TFX's Pusher with `Executor`; call it `Pusher` in the pipeline."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
