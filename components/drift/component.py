"""DriftCheck: compares the newest examples with those before them, before anything is trained."""

import json
import os
from typing import Any

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

from components.data_validation.inferred_schema import FILE
from components.drift import artifacts, comparators, judging, plots, records, sampling
from components.drift.artifacts import DriftFindings
from components.drift.judging import Outcome
from components.drift.records import Night
from components.example_gen.artifacts import RejectedExamples
from components.pusher import hold_advice
from components.pusher.hold_advice import HoldAdvice
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions
from trainer_modules.engine.task import overrides

_STATUS = {"warn": artifacts.WARNED, "stop": artifacts.STOPPED, "hold": artifacts.HELD}
_SHOWN = 5
_LIMITS = {
    **{"labels": "labels", "height": "numbers", "width": "numbers", "brightness": "numbers"},
    **{"format": "kinds", "channels": "kinds", "rejected": "rejected", "features": "embedding"},
}
"""What is compared → the task's limit of it; new and vanished classes have none."""


class DriftStopError(BadInputError):
    """The newest examples have drifted, and the run is to stop for that.

    Attributes:
      content: What `drift.json` would have held.
    """

    def __init__(self, message: str, content: dict[str, Any]) -> None:
        super().__init__(message)
        self.content = content


def described(outcome: Outcome, night: Night, on_drift: str) -> dict[str, Any]:
    """Returns the content of `drift.json`."""
    status = _STATUS[on_drift] if outcome.status == judging.DRIFTED else outcome.status
    comparisons = outcome.plain()["comparisons"]
    samples = {} if night.newest is None else {plots.NEWEST: night.newest, **night.references}
    return {
        "status": status,
        "findings": [
            {name: value for name, value in one.items() if name != "drifted"}
            for one in comparisons
            if one["drifted"]
        ],
        "comparisons": comparisons,
        "notes": list(outcome.notes),
        "samples": {
            name: {"name": sample.name, "examples": len(sample.table)}
            for name, sample in samples.items()
        },
    }


def stop_message(outcome: Outcome) -> str:
    """Returns one paragraph on what drifted, and the ways out."""
    sentences = [one.sentence for one in outcome.findings]
    more = f"; and {len(sentences) - _SHOWN} more" if len(sentences) > _SHOWN else ""
    return (
        f"The newest examples have drifted: {'; '.join(sentences[:_SHOWN])}{more}. Nothing was "
        "trained. Correct or remove them; or, if they are right, run again with --on-drift warn "
        f"(or hold){_allowing(outcome)}."
    )


def _allowing(outcome: Outcome) -> str:
    """Returns how to accept the differences that a limit of the task can accept."""
    needed: dict[str, float] = {}
    for one in outcome.findings:
        if one.p_value is not None and one.what in _LIMITS:
            name = _LIMITS[one.what]
            needed[name] = max(needed.get(name, 0.0), abs(one.value))
    if not needed:
        return ""
    # A little more than what was found.
    options = " ".join(f"--set drift.{name}={1.1 * value:.2g}" for name, value in needed.items())
    return f", or allow as much with {options}"


@component
def DriftCheck(
    examples: InputArtifact[standard_artifacts.Examples],
    rejected: InputArtifact[RejectedExamples],
    drift: OutputArtifact[DriftFindings],
    hold: OutputArtifact[HoldAdvice],
    problem: Parameter[str],
    limits: Parameter[str],
    on_drift: Parameter[str] = "warn",
    code_fingerprint: Parameter[str] = "",
    schema: InputArtifact[standard_artifacts.Schema] = None,
    champion: InputArtifact[standard_artifacts.Model] = None,
    champion_examples: InputArtifact[standard_artifacts.Examples] = None,
    champion_rejected: InputArtifact[RejectedExamples] = None,
) -> None:
    """Writes what differs; with `stop`, raises DriftStopError if it is drift.

    Args:
      examples: The data of this run.
      rejected: What was recorded as they were read.
      drift: Where to write.
      hold: With `hold`, what drifted; Pusher then keeps the model back.
      problem: The task's problem as JSON.
      limits: The task's `Drift` as JSON.
      on_drift: `warn`, `stop` or `hold`.
      code_fingerprint: Changes when the code does, so that caching notices.
      schema: Its drift and skew comparators are further limits.
      champion: The last blessed model.
      champion_examples: The data from which it was made.
      champion_rejected: What was recorded as they were read.
    """
    del code_fingerprint
    model = path_utils.serving_model_path(champion.uri) if champion is not None else ""
    model = model if model and versions.is_saved_model(model) else ""
    night = records.night(
        records.read(rejected.uri),
        records.read(champion_rejected.uri) if champion_rejected is not None else None,
        has_champion=bool(model),
    )
    given = overrides.from_json(limits)
    what_is_learnt = overrides.from_json(problem)
    features: judging.Features = {}
    note = ""
    if model and given.sample and night.newest is not None:
        features, note = sampling.features(
            night,
            model,
            examples=examples.uri,
            champion_examples=champion_examples.uri if champion_examples is not None else "",
            size=given.sample,
        )
    measured = comparators.compare(night, _schema(schema.uri)) if schema is not None else []
    outcome = judging.judge(night, what_is_learnt, given, features, measured)
    content = described(outcome, night, on_drift)
    content["notes"] += [note] if note else []
    if content["status"] == artifacts.STOPPED:
        raise DriftStopError(stop_message(outcome), content)
    _write(drift.uri, artifacts.FINDINGS, content)
    held = outcome.findings if content["status"] == artifacts.HELD else ()
    hold_advice.write(hold.uri, [f"drift: {one.sentence}" for one in held])
    _write(drift.uri, artifacts.PLOTS, plots.data(night, what_is_learnt, features))


def _schema(uri):  # type: ignore[no-untyped-def]
    return io_utils.SchemaReader().read(os.path.join(uri, FILE))


def _write(uri, name, content):  # type: ignore[no-untyped-def]
    with fileio.open(os.path.join(uri, name), "w") as f:
        json.dump(content, f, ensure_ascii=False, indent=1)
