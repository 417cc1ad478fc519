import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _run(evaluation: Path, report: dict) -> tuple[dict, dict]:
    """Runs the component; returns both artifacts' metadata as Kubeflow gets it."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entry
    from tfx.types import standard_artifacts

    from components.report import platform_metrics as shown

    (evaluation / "report.json").write_text(json.dumps(report))
    source, metrics, confusion = (
        kind()
        for kind in (
            standard_artifacts.ModelEvaluation,
            shown.ShownMetrics,
            shown.ShownConfusion,
        )
    )
    source.uri = str(evaluation)
    shown.PlatformMetrics_Executor().Do(
        {"evaluation": [source]}, {"metrics": [metrics], "confusion": [confusion]}, {}
    )
    first, second = (entry._get_json_metadata_mapping(a) for a in (metrics, confusion))
    return first, second


def test_what_the_pages_draw(tmp_path: Path) -> None:
    details = {"classes": ["cat", "dog"], "confusion": [[0, 0, 3], [0, 1, 1], [1, 1, 2]]}
    metrics, confusion = _run(
        tmp_path, {"metrics": {"accuracy": 0.8, "auc": None}, "details": details}
    )
    assert metrics == {"accuracy": 0.8}
    assert confusion == {
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}],
            "rows": [{"row": [3.0, 1.0]}, {"row": [0.0, 2.0]}],
        }
    }


def test_as_kfp_itself_keeps_a_confusion_matrix() -> None:
    from kfp.dsl.types.artifact_types import ClassificationMetrics

    from components.report.platform_metrics import confusion_matrix

    own = ClassificationMetrics()
    own.log_confusion_matrix(["cat", "dog"], [[3, 1], [0, 2]])
    cells = [[0, 0, 3], [0, 1, 1], [1, 1, 2]]
    assert (
        confusion_matrix({"classes": ["cat", "dog"], "confusion": cells})
        == own.metadata["confusionMatrix"]
    )


def test_a_regression_has_no_matrix(tmp_path: Path) -> None:
    assert _run(tmp_path, {"metrics": {"mse": 20.5}, "details": {}}) == ({"mse": 20.5}, {})
