"""Makes a model again: the executions that made it, repeated with their recorded parameters."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx.orchestration import data_types_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from pipelines.local.ancestry import family, origin
from pipelines.local.ancestry.family import Ancestry
from trainer_modules.engine.custom_config import CHECKPOINTS_KEY
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions
from trainer_modules.engine.saved_model.weights_digest import weights_digest

_log = logging.getLogger("tfx_vision")
_CONFIG = standard_component_specs.CUSTOM_CONFIG_KEY
# Where steps keep what they may reuse: nothing is reused here.
_STORE = "store"


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """A model that was made again.

    Attributes:
      model: Its SavedModel.
      digest: Of its weights, see `weights_digest`.
      expected: Of the weights of the original.
      data: Where its data came from: `read again` or `as stored`.
      differs: What is not as it was, each a phrase: code, environment, data.
    """

    model: str
    digest: str
    expected: str
    data: str
    differs: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether both models have the same weights, bit by bit."""
        return self.digest == self.expected


def rebuild(
    store: Any, ancestry: Ancestry, original: str, folder: str, *, beam_args: list[str]
) -> Rebuilt:
    """Trains a model again from its data, and compares the weights.

    The data are read and transformed anew where they are still what they were; otherwise what the
    original's run stored is taken, and said. Nothing is cached, pushed or noted in ML Metadata.

    Args:
      store: The metadata store.
      ancestry: Of the model.
      original: Its SavedModel, as served.
      folder: An empty folder for everything that is made.
      beam_args: Options for Beam.

    Raises:
      BadInputError: If neither the data nor what was stored of them are there, or the model that
        the training started from is gone.
    """
    (trainer,) = store.get_executions_by_id([ancestry.trainer])
    given = family.inputs(store, trainer.id)
    if ancestry.start and versions.missing_file(path_utils.serving_model_dir(ancestry.start)):
        raise BadInputError(
            f"The model that the training started from is gone: {ancestry.start}. Without it the "
            "version cannot be made again."
        )
    again = _Again(store, folder, beam_args)
    data, why = "read again", ""
    try:
        fresh = _data(again, ancestry)
    except Exception as error:
        # Beam wraps what a reader raises, and steps of today may not take parameters of then.
        data, why = "as stored", str(error) or type(error).__name__
        fresh = {}
        missing = [a.uri for a in given["examples"] if not os.path.isdir(a.uri)]
        if missing:
            raise BadInputError(
                f"The data cannot be read as they were ({why}), and what was stored of them is "
                f"gone: {missing[0]}."
            ) from error
        _log.warning("the data are no longer what they were: %s", why)
    made = again.run(trainer, _trainer_executor(), {**_artifacts(store, given), **fresh})
    model = path_utils.serving_model_dir(made["model"][0].uri)
    return Rebuilt(
        model=model,
        digest=weights_digest(model),
        expected=weights_digest(original),
        data=data,
        differs=(*changes(ancestry.run), *([f"the data: {why}"] if why else [])),
    )


def changes(run: Mapping[str, str]) -> list[str]:
    """Returns what differs now from what a run noted, each a phrase; [] of a run without notes."""
    now = {
        origin.SOURCE: origin.source(),
        origin.LOCK: origin.lock(),
        origin.ENVIRONMENT: json.dumps(origin.environment()),
    }
    phrases = {
        origin.SOURCE: f"the code (it was {run.get(origin.REVISION) or 'another revision'})",
        origin.LOCK: "uv.lock",
        origin.ENVIRONMENT: f"the environment (it was {run.get(origin.ENVIRONMENT)})",
    }
    return [phrases[key] for key, value in now.items() if run.get(key) not in (None, "", value)]


def _data(again: "_Again", ancestry: Ancestry) -> dict[str, list[Any]]:
    """Reads and transforms the data again; returns Trainer's inputs that come of it.

    Raises:
      BadInputError: If the data are not what they were.
    """
    from components.example_gen import executor as reading
    from components.transform import component as transforming

    if ancestry.reader is None or ancestry.transform is None:
        raise BadInputError("its run noted no data")
    reader, transform = again.store.get_executions_by_id([ancestry.reader, ancestry.transform])
    read = again.run(reader, reading.Executor, {})
    _check_same(ancestry, read["rejected"][0].uri)
    given = _artifacts(again.store, family.inputs(again.store, transform.id))
    made = again.run(transform, transforming.Executor, {**given, "examples": read["examples"]})
    return {
        "examples": made["transformed_examples"],
        "transform_graph": made["transform_graph"],
    }


def _check_same(ancestry: Ancestry, place: str) -> None:
    with open(os.path.join(place, "summary.json"), encoding="utf-8") as f:
        counts = json.load(f)
    spans: list[dict[str, Any]] = []
    if ancestry.spans:
        with open(os.path.join(place, family.SPANS_FILE), encoding="utf-8") as f:
            spans = json.load(f)
    then = {entry["span"]: entry["sha256"] for entry in ancestry.spans}
    now = {entry["span"]: entry["sha256"] for entry in spans}
    changed = sorted(name for name in then if now.get(name) != then[name])
    if changed:
        shown = ", ".join(f"'{name}'" for name in changed[:5] if name) or f"in {ancestry.data}"
        raise BadInputError(f"the data {shown} have changed since")
    counted = {**counts["counts"], "rejected": counts["rejected"]}
    if ancestry.counts and counted != ancestry.counts:
        raise BadInputError(f"there were {ancestry.counts}, and there are {counted} now")


class _Again:
    """Runs executors with the parameters that ML Metadata recorded.

    Args:
      store: The metadata store.
      folder: Where outputs are written.
      beam_args: Options for Beam.
    """

    def __init__(self, store: Any, folder: str, beam_args: list[str]) -> None:
        self.store = store
        self._folder = folder
        self._beam_args = beam_args

    def run(
        self, execution: Any, executor: type[Any], inputs: dict[str, list[Any]]
    ) -> dict[str, list[Any]]:
        """Returns the output artifacts of an execution that is repeated.

        Args:
          execution: What was recorded.
          executor: The class that did it.
          inputs: Input artifacts by key.
        """
        name = str(execution.type).rpartition(".")[2]
        recorded = _artifacts(self.store, family.outputs(self.store, execution.id))
        for key, artifacts in recorded.items():
            for position, artifact in enumerate(artifacts):
                artifact.uri = os.path.join(self._folder, name, key, str(position))
                os.makedirs(artifact.uri)
        context = executor.Context(tmp_dir=os.path.join(self._folder, name, ".temp"), unique_id="0")
        if hasattr(context, "beam_pipeline_args"):
            context.beam_pipeline_args = list(self._beam_args)
        executor(context).Do(inputs, recorded, _parameters(execution))
        return recorded


def _trainer_executor() -> type[Any]:
    from tfx.components.trainer import executor

    return executor.GenericExecutor


def _artifacts(store: Any, by_key: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Returns MLMD's artifacts as TFX's."""
    return {
        key: [
            artifact_utils.deserialize_artifact(
                store.get_artifact_types_by_id([artifact.type_id])[0], artifact
            )
            for artifact in artifacts
        ]
        for key, artifacts in by_key.items()
    }


def _parameters(execution: Any) -> dict[str, Any]:
    """Returns an execution's parameters; nothing is reused, and no checkpoint is continued."""
    properties = execution.custom_properties
    parameters: dict[str, Any] = {}
    for name, value in properties.items():
        if execution_lib.is_schema_key(name):
            continue
        schema = None
        if (key := execution_lib.get_schema_key(name)) in properties:
            schema = pipeline_pb2.Value.Schema()
            proto_utils.json_to_proto(properties[key].string_value, schema)
        parameters[name] = data_types_utils.get_parsed_value(value, schema)
    config = json.loads(parameters.get(_CONFIG) or "{}")
    for key in (CHECKPOINTS_KEY, _STORE):
        config.pop(key, None)
    if _STORE in parameters:
        parameters[_STORE] = ""
    if _CONFIG in parameters:
        parameters[_CONFIG] = json.dumps(config)
    return parameters
