"""PlatformMetrics: the evaluation as the two artifact types that Vertex AI and Kubeflow display."""

import json
import os
from collections.abc import Mapping
from typing import Any

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

_REPORT = "report.json"


class ShownMetrics(Artifact):
    """Numbers as metadata; on the platforms `system.Metrics`, a table."""

    TYPE_NAME = "components.ShownMetrics"


class ShownConfusion(Artifact):
    """A confusion matrix as metadata; on the platforms `system.ClassificationMetrics`."""

    TYPE_NAME = "components.ShownConfusion"


def confusion_matrix(details: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the matrix as KFP's `ClassificationMetrics` keeps it; None where there is none.

    Args:
      details: `details` of Evaluator's report: `classes`, and `confusion` as
        `[true, predicted, count]` cells.
    """
    cells, classes = details.get("confusion"), details.get("classes")
    if not cells or not classes:
        return None
    rows = [{"row": [0.0] * len(classes)} for _ in classes]
    for true, predicted, count in cells:
        rows[true]["row"][predicted] = float(count)
    return {"annotationSpecs": [{"displayName": name} for name in classes], "rows": rows}


@component
def PlatformMetrics(
    evaluation: InputArtifact[standard_artifacts.ModelEvaluation],
    metrics: OutputArtifact[ShownMetrics],
    confusion: OutputArtifact[ShownConfusion],
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Copies metrics and confusion matrix of `evaluation` into metadata for the platforms' UIs.

    Args:
      evaluation: What ImageEvaluator found.
      metrics: Receives the metrics as properties.
      confusion: Receives the matrix as a property.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    report = json.loads(io_utils.read_string_file(os.path.join(evaluation.uri, _REPORT)))
    for name, value in report["metrics"].items():
        if value is not None:
            metrics.set_float_custom_property(name, float(value))
    matrix = confusion_matrix(report["details"])
    if matrix:
        confusion.set_json_value_custom_property("confusionMatrix", matrix)
