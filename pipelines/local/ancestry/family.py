"""Reads in ML Metadata what a model was made from: data, settings, code, start, metrics."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from pipelines.local.ancestry import origin

_INPUT, _OUTPUT = metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.OUTPUT
# Between a model and its raw Examples: what Transform wrote.
_BETWEEN = {"transformed_examples", "transform_graph", "examples"}
# What Evaluator and the reader write, see `components/evaluator/report.py` and `RejectedExamples`.
_REPORT, _SUMMARY, SPANS_FILE = "report.json", "summary.json", "spans.json"


@dataclass(frozen=True, kw_only=True)
class Ancestry:
    """What a model was made from.

    Attributes:
      model: URI of Trainer's artifact.
      trainer: MLMD's id of the execution that trained it.
      transform: Of the execution that made its training data; None if there was none.
      reader: Of the execution that read its data; None if there was none.
      data: The data root, with its placeholders as they were filled in.
      fingerprint: Of the files that were read.
      spans: The contents of `spans.json`; () where the run wrote none, or it was removed.
      counts: Examples per split, and `rejected`; {} where they were removed.
      start: URI of the model that the training started from; "" for scratch.
      tuned: Whether a search chose hyperparameters.
      run: What `origin.of_run` noted of the run that trained it; {} before it was noted.
      metrics: The newest evaluation's, by name; {} if there is none.
      settings: The recipe that was trained, plain.
    """

    model: str
    trainer: int
    transform: int | None = None
    reader: int | None = None
    data: str = ""
    fingerprint: str = ""
    spans: tuple[dict[str, Any], ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    start: str = ""
    tuned: bool = False
    run: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def models(store: Any) -> list[Any]:
    """Returns the artifacts of all trained models, the oldest first."""
    try:
        known = store.get_artifacts_by_type("Model")
    except Exception:  # MLMD raises its own errors for a type that was never registered.
        return []
    return sorted(known, key=lambda artifact: artifact.id)


def of_model(store: Any, model: Any) -> Ancestry | None:
    """Returns the ancestry of a model; None if no Trainer made it (a pretrained one).

    Args:
      store: The metadata store.
      model: The artifact.
    """
    trainer = maker(store, model.id)
    if trainer is None or not _is(trainer, "Trainer"):
        return None
    given = inputs(store, trainer.id)
    transform, reader = _ways(store, given)
    rejected = outputs(store, reader.id).get("rejected", []) if reader else []
    place = rejected[0].uri if rejected else ""
    counted = _json(place, _SUMMARY) or {}
    custom = json.loads(_text(trainer, "custom_config") or "{}")
    (start, *_), (tuned, *_) = (
        given.get(key) or [None] for key in ("base_model", "hyperparameters")
    )
    started = start is not None and os.path.isdir(os.path.join(start.uri, "Format-Serving"))
    return Ancestry(
        model=model.uri,
        trainer=trainer.id,
        transform=transform.id if transform else None,
        reader=reader.id if reader else None,
        data=_text(reader, "input_base") if reader else "",
        fingerprint=_text(reader, "input_fingerprint") if reader else "",
        spans=tuple(_json(place, SPANS_FILE) or ()),
        counts={**counted.get("counts", {}), "rejected": counted.get("rejected", 0)}
        if counted
        else {},
        start=start.uri if started and start is not None else "",
        tuned=tuned is not None,
        run=_run(store, trainer.id),
        metrics=_metrics(store, model.id),
        settings=json.loads(custom["task"]) if "task" in custom else {},
    )


def maker(store: Any, artifact: int) -> Any | None:
    """Returns the execution that wrote an artifact."""
    events = store.get_events_by_artifact_ids([artifact])
    made = [event.execution_id for event in events if event.type == _OUTPUT]
    return store.get_executions_by_id(made[:1])[0] if made else None


def inputs(store: Any, execution: int) -> dict[str, list[Any]]:
    """Returns an execution's input artifacts by key."""
    return _of_events(store, execution, _INPUT)


def outputs(store: Any, execution: int) -> dict[str, list[Any]]:
    """Returns an execution's output artifacts by key."""
    return _of_events(store, execution, _OUTPUT)


def _of_events(store: Any, execution: int, kind: int) -> dict[str, list[Any]]:
    by_key: dict[str, list[Any]] = {}
    for event in store.get_events_by_execution_ids([execution]):
        if event.type == kind:
            key = event.path.steps[0].key
            by_key.setdefault(key, []).extend(store.get_artifacts_by_id([event.artifact_id]))
    return by_key


def _ways(store: Any, given: dict[str, list[Any]]) -> tuple[Any | None, Any | None]:
    """Returns the executions of Transform and of the reader behind a training's inputs."""
    transform = reader = None
    waiting = [a for key in _BETWEEN for a in given.get(key, [])]
    while waiting and reader is None:
        execution = maker(store, waiting.pop(0).id)
        if execution is None:
            continue
        if _is(execution, "ImageExampleGen"):
            reader = execution
        elif _is(execution, "ImageTransform"):
            transform = execution
            waiting.extend(inputs(store, execution.id).get("examples", []))
    return transform, reader


def _is(execution: Any, name: str) -> bool:
    return str(execution.type).rpartition(".")[2] == name


def _text(execution: Any, name: str) -> str:
    if name not in execution.custom_properties:
        return ""
    return str(execution.custom_properties[name].string_value)


def _run(store: Any, execution: int) -> dict[str, str]:
    for context in store.get_contexts_by_execution(execution):
        if context.type == origin.RUN_CONTEXT and context.custom_properties:
            return {k: str(v.string_value) for k, v in context.custom_properties.items()}
    return {}


def _metrics(store: Any, model: int) -> dict[str, float | None]:
    """Returns the metrics of the newest evaluation of a model."""
    read = [e.execution_id for e in store.get_events_by_artifact_ids([model]) if e.type == _INPUT]
    for execution in sorted(read, reverse=True):
        given, made = inputs(store, execution), outputs(store, execution)
        judged = [artifact.id for artifact in given.get("model", [])]
        if model in judged and "evaluation" in made:
            report = _json(made["evaluation"][0].uri, _REPORT)
            if report:
                return dict(report["metrics"])
    return {}


def _json(folder: str, name: str) -> Any:
    """Returns the content of a JSON file; None if it is gone."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def touched(ancestries: Iterable[Ancestry], span: str) -> dict[str, str]:
    """Returns the models that a span has touched: URI → how.

    Args:
      ancestries: Of all models.
      span: A span's folder name, or its number.

    Returns:
      `it learnt from the span`, or `it started from <URI>`, of a model that did.
    """
    known = {ancestry.model: ancestry for ancestry in ancestries}
    how = {
        uri: "it learnt from the span"
        for uri, ancestry in known.items()
        if any(_names(entry, span) for entry in ancestry.spans)
    }
    newly = set(how)
    while newly:
        newly = {u for u, a in known.items() if a.start in newly and u not in how}
        how |= {uri: f"it started from {known[uri].start}" for uri in newly}
    return how


def _names(entry: dict[str, Any], span: str) -> bool:
    number = entry.get("number")
    as_number = span.isdecimal() and number is not None and int(span) == int(number)
    return entry.get("span") == span.strip("/") or as_number
