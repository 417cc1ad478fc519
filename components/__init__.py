"""Custom TFX components, each a thin wrapper over a tested plain function.

Kubeflow and Vertex AI hand artifacts over with their type's name, which TFX takes for the path of
the class: `components.DataApproval`. Such names may have one dot, so the classes are found here,
imported when asked for.
"""

import importlib
from typing import Any

_ARTIFACTS = {
    "DataApproval": "components.data_validation.data_gate",
    "DriftFindings": "components.drift.artifacts",
    "ExportedFormats": "components.export.component",
    "HoldAdvice": "components.pusher.hold_advice",
    "HtmlPage": "components.report.artifacts",
    "MarkdownPage": "components.report.artifacts",
    "Predictions": "components.bulk_predict.component",
    "RejectedExamples": "components.example_gen.artifacts",
    "RunReport": "components.report.artifacts",
    "ShownConfusion": "components.report.platform_metrics",
    "ShownMetrics": "components.report.platform_metrics",
    "VertexModel": "components.vertex.deploy",
}


def __getattr__(name: str) -> Any:
    if name in _ARTIFACTS:
        return getattr(importlib.import_module(_ARTIFACTS[name]), name)
    raise AttributeError(f"module 'components' has no attribute {name!r}")
