"""Which TFX artifacts something still needs; all others may go. Read from ML Metadata."""

import datetime
import functools
import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

_OUTPUT = metadata_store_pb2.Event.OUTPUT
_DONE = {
    metadata_store_pb2.Execution.COMPLETE,
    metadata_store_pb2.Execution.CACHED,
    metadata_store_pb2.Execution.CANCELED,
}
_MODEL, _PUSHED = standard_artifacts.Model.TYPE_NAME, standard_artifacts.PushedModel.TYPE_NAME
_EXAMPLES = standard_artifacts.Examples.TYPE_NAME
_BLESSING = standard_artifacts.ModelBlessing.TYPE_NAME
# Small, and what is known about data and models that are kept: drift and lineage read them.
_ABOUT = {
    standard_artifacts.ExampleStatistics.TYPE_NAME: _EXAMPLES,
    standard_artifacts.ModelEvaluation.TYPE_NAME: _MODEL,
}
_SUBJECTS = {"model", "examples"}
_BLESSED = constants.ARTIFACT_PROPERTY_BLESSED_KEY
_MODEL_ID = constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
_IDS = 2_000
_STARTED = "%Y%m%d-%H%M%S-%f"


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What the metadata store knows about the artifacts under a folder.

    Attributes:
      artifacts: Id → artifact.
      runs: Start of each run in the form of run ids → ids of its executions.
      failed: Starts of the runs in which a step did not end well.
      reads: Execution id → ids of the artifacts it read.
      writes: Execution id → ids of the artifacts it wrote or found in the cache.
      subjects: Execution id → ids of the model or examples that it is about, which are not those
        that it compares with.
    """

    artifacts: dict[int, Any]
    runs: dict[str, set[int]]
    failed: frozenset[str]
    reads: dict[int, set[int]] = field(default_factory=dict)
    writes: dict[int, set[int]] = field(default_factory=dict)
    subjects: dict[int, set[int]] = field(default_factory=dict)

    @functools.cached_property
    def makers(self) -> dict[int, list[int]]:
        """Artifact id → the executions that wrote it, or found it in the cache."""
        makers: dict[int, list[int]] = defaultdict(list)
        for execution, ids in self.writes.items():
            for artifact in ids:
                makers[artifact].append(execution)
        return dict(makers)


def read(store: Any, pipeline: str, folder: str) -> Lineage:
    """Reads what is known about the runs of a pipeline.

    Args:
      store: The metadata store, which other pipelines may share.
      pipeline: The pipeline's name.
      folder: The pipeline root; artifacts elsewhere are not of these runs.
    """
    own = store.get_context_by_type_and_name("pipeline", pipeline)
    if own is None:
        return Lineage(artifacts={}, runs={}, failed=frozenset())
    executions = {e.id: e for e in store.get_executions_by_context(own.id)}
    reads: dict[int, set[int]] = defaultdict(set)
    writes: dict[int, set[int]] = defaultdict(set)
    subjects: dict[int, set[int]] = defaultdict(set)
    for part in _parts(executions):
        for event in store.get_events_by_execution_ids(part):
            kind = writes if event.type == _OUTPUT else reads
            kind[event.execution_id].add(event.artifact_id)
            if kind is reads and event.path.steps and event.path.steps[0].key in _SUBJECTS:
                subjects[event.execution_id].add(event.artifact_id)
    runs: dict[str, set[int]] = {}
    failed = set()
    for context in store.get_contexts_by_type("pipeline_run"):
        mine = {e.id for e in store.get_executions_by_context(context.id)} & set(executions)
        if not mine:
            continue
        start = _run_id(context.name)
        runs[start] = runs.get(start, set()) | mine
        if any(executions[e].last_known_state not in _DONE for e in mine):
            failed.add(start)
    below = folder.rstrip("/") + "/"
    named = set().union(*reads.values(), *writes.values())
    artifacts = {
        artifact.id: artifact
        for part in _parts(named)
        for artifact in store.get_artifacts_by_id(part)
        if artifact.uri.startswith(below)
    }
    return Lineage(
        artifacts=artifacts,
        runs=dict(sorted(runs.items())),
        failed=frozenset(failed),
        reads=dict(reads),
        writes=dict(writes),
        subjects=dict(subjects),
    )


def _parts(ids: Iterable[int]) -> list[list[int]]:
    ordered = sorted(ids)
    return [ordered[i : i + _IDS] for i in range(0, len(ordered), _IDS)]


def _run_id(name: str) -> str:
    """Returns when a run started, as ids of runs have it; what is no time comes last, and stays.

    Runs are recorded under their ids; under earlier versions of this code, under their time.
    """
    if began(name) is not None:
        return name
    try:
        return datetime.datetime.fromisoformat(name).strftime(_STARTED)[:-3]
    except ValueError:
        return f"~{name}"


def began(run_id: str) -> datetime.datetime | None:
    """Returns when a run began; None if its id is no time."""
    try:
        return datetime.datetime.strptime(run_id, _STARTED)
    except ValueError:
        return None


def kept_runs(lineage: Lineage, keep: int) -> list[str]:
    """Returns the starts of the runs to keep: the last ones, and the last that ended well.

    Args:
      lineage: The runs.
      keep: How many of the last.
    """
    starts = list(lineage.runs)
    last_good = [start for start in starts if start not in lineage.failed][-1:]
    return sorted({*starts[-keep:], *last_good})


def needed(
    lineage: Lineage, runs: Collection[str], *, versions: Collection[str], models: Collection[str]
) -> set[int]:
    """Returns the ids of the artifacts that something needs.

    Args:
      lineage: All runs.
      runs: Starts of the runs to keep; they need all that they read and wrote.
      versions: Versions whose files exist: served, held or withdrawn. Each needs its model, and
        that all it was made from, so that it can be made again.
      models: URIs of further models, as the record of releases has them.
    """
    wanted: set[int] = set()
    for start in runs:
        for execution in lineage.runs[start]:
            wanted |= lineage.reads.get(execution, set()) | lineage.writes.get(execution, set())
    of_versions = _models(lineage, versions, models)
    for model in of_versions | _baseline(lineage):
        wanted |= _origins(lineage, model)
    wanted |= _siblings(lineage, wanted)
    wanted |= _about(lineage, wanted)
    return wanted & set(lineage.artifacts)


def _models(lineage: Lineage, versions: Collection[str], uris: Collection[str]) -> set[int]:
    models = {i for i, a in lineage.artifacts.items() if a.uri in uris}
    pushed = {
        i
        for i, a in lineage.artifacts.items()
        if a.type == _PUSHED and _property(a, "pushed_version").string_value in versions
    }
    for execution, ids in lineage.writes.items():
        if ids & pushed:
            read = lineage.reads.get(execution, set())
            models |= {i for i in read if _type(lineage, i) == _MODEL}
    return models


def _baseline(lineage: Lineage) -> set[int]:
    """Returns the last blessed model that still exists: the next night compares with it."""
    for _, artifact in sorted(lineage.artifacts.items(), reverse=True):
        if artifact.type != _BLESSING or not _property(artifact, _BLESSED).int_value:
            continue
        model = _property(artifact, _MODEL_ID).int_value
        if model in lineage.artifacts and os.path.isdir(lineage.artifacts[model].uri):
            return {model}
    return set()


def _origins(lineage: Lineage, model: int) -> set[int]:
    """Returns a model and all that it was made from; of the model it started from, only itself."""
    found, waiting = {model}, [model]
    while waiting:
        for execution in lineage.makers.get(waiting.pop(), []):
            newly = lineage.reads.get(execution, set()) - found
            found |= newly
            waiting += [i for i in newly if _type(lineage, i) != _MODEL]
    return found


def _siblings(lineage: Lineage, wanted: set[int]) -> set[int]:
    """Returns the other outputs of the executions: the cache has all of them or none."""
    return set().union(*(ids for ids in lineage.writes.values() if ids & wanted))


def _about(lineage: Lineage, wanted: set[int]) -> set[int]:
    """Returns statistics, evaluations and blessings of the data and models that are kept."""
    found = set()
    for execution, ids in lineage.writes.items():
        about = lineage.subjects.get(execution, set()) & wanted
        types = {_type(lineage, i) for i in about}
        found |= {i for i in ids if _ABOUT.get(_type(lineage, i)) in types}
    return found | {
        i
        for i, artifact in lineage.artifacts.items()
        if artifact.type == _BLESSING and _property(artifact, _MODEL_ID).int_value in wanted
    }


def _type(lineage: Lineage, artifact: int) -> str:
    known = lineage.artifacts.get(artifact)
    return str(known.type) if known is not None else ""


def _property(artifact: Any, name: str) -> Any:
    """Returns a property, empty where there is none; looking it up must not add it."""
    if name in artifact.custom_properties:
        return artifact.custom_properties[name]
    return metadata_store_pb2.Value()
