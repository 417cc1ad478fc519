"""DataGate: stops a run whose data violates the schema or the task's limits.

It runs between ExampleValidator and Transform, so that no model is trained on unacceptable data.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.component.experimental.annotations import (
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from components.example_gen.artifacts import RejectedExamples
from components.example_gen.readers.items import TRAIN, UNLABELLED
from trainer_modules.engine.errors import BadInputError

_SHOWN = 5


class DataApproval(Artifact):
    """The gate's approval: `approval.json` with the counts and the bound."""

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.DataApproval"


def check_rejected(
    counts: Mapping[str, int], rejected: Sequence[Mapping[str, str]], total: int, bound: float
) -> None:
    """Checks the fraction of examples that could not be read.

    Args:
      counts: Readable examples per split.
      rejected: The first of the rejected, each with `id` and `reason`.
      total: How many were rejected in all.
      bound: The largest accepted fraction of rejected examples among all examples, in [0, 1].

    Raises:
      BadInputError: If the fraction is above `bound`, or if nothing can be read.
    """
    readable = sum(counts.values())
    first = "; ".join(f"{r['id']}: {r['reason']}" for r in rejected[:_SHOWN])
    if total > bound * (readable + total):
        fraction = total / (readable + total)
        raise BadInputError(
            f"{total} of {readable + total} examples ({fraction:.1%}) were rejected, more than "
            f"--max-rejected {bound:g} allows. The first: {first}. Repair or remove them, or "
            "allow more with --max-rejected."
        )
    # A task that does not train reads only `unlabelled`.
    needed = UNLABELLED if set(counts) == {UNLABELLED} else TRAIN
    if not counts.get(needed):
        raise BadInputError(
            f"There are no examples in the split '{needed}' (found: {dict(counts) or 'none'}). "
            "Check --data and the task's source."
        )


def check_anomalies(anomalies: Mapping[str, Mapping[str, str]], schema: str = "the schema") -> None:
    """Checks what TFDV found against the schema.

    Args:
      anomalies: Per split, feature name → description.
      schema: Which schema it is and where to correct it, in words.

    Raises:
      BadInputError: If there is any.
    """
    sentences = [
        f"{split}: {name}: {text}"
        for split, features in anomalies.items()
        for name, text in features.items()
    ]
    if sentences:
        raise BadInputError(
            f"The data does not fit the schema: {'; '.join(sentences[:_SHOWN])}. Correct the data, "
            f"or {schema} if the data is right."
        )


def read_anomalies(artifact: Artifact) -> dict[str, dict[str, str]]:
    """Returns, per split, feature name → description, from ExampleValidator's artifact."""
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    by_feature: dict[str, dict[str, str]] = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), "SchemaDiff.pb")
        anomalies = anomalies_pb2.Anomalies()
        with fileio.open(path, "rb") as f:
            anomalies.ParseFromString(f.read())
        by_feature[split] = {
            name or "the whole": info.description for name, info in anomalies.anomaly_info.items()
        }
        if anomalies.HasField("dataset_anomaly_info"):
            by_feature[split]["the whole"] = anomalies.dataset_anomaly_info.description
    return by_feature


def read_rejected(uri: str, limit: int) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Returns the `rejected` artifact's summary and its first `limit` lines."""
    with fileio.open(os.path.join(uri, "summary.json"), "r") as f:
        summary = json.load(f)
    lines: list[dict[str, str]] = []
    with fileio.open(os.path.join(uri, "rejected.jsonl"), "r") as f:
        for line in f:
            if len(lines) == limit:
                break
            lines.append(json.loads(line))
    return summary, lines


@component
def DataGate(
    rejected: InputArtifact[RejectedExamples],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    approval: OutputArtifact[DataApproval],
    max_rejected: Parameter[float] = 0.01,
    schema: Parameter[str] = "the schema",
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Raises BadInputError unless the data passes `check_rejected` and `check_anomalies`.

    Args:
      rejected: What could not be read.
      anomalies: What ExampleValidator found.
      approval: Where to write the counts.
      max_rejected: Largest fraction of rejected examples, in [0, 1].
      schema: As in `check_anomalies`.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    summary, first = read_rejected(rejected.uri, _SHOWN)
    check_rejected(summary["counts"], first, summary["rejected"], max_rejected)
    check_anomalies(read_anomalies(anomalies), schema)
    with fileio.open(os.path.join(approval.uri, "approval.json"), "w") as f:
        json.dump({"max_rejected": max_rejected, **summary["counts"]}, f)
