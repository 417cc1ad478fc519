import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apache_beam import Pipeline

from pipelines.config import RunConfig


def _artifact(kind: Any, folder: Path) -> Any:
    found = kind()
    found.uri = str(folder)
    return found


@pytest.fixture
def run_component(
    tfx_ready: None, classifier: Path, write_examples: Callable[..., Any], tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    from tfx.types import standard_artifacts

    from components.bulk_predict import component

    def run(splits: dict[str, Any], blessed: int = 1) -> dict[str, Any]:
        model = _artifact(standard_artifacts.Model, tmp_path / "model")
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "Format-Serving").symlink_to(classifier / "1")
        verdicts = {}
        for name, kind in (
            ("model_blessing", standard_artifacts.ModelBlessing),
            ("infra_blessing", standard_artifacts.InfraBlessing),
        ):
            verdicts[name] = _artifact(kind, tmp_path / name)
            verdicts[name].set_int_custom_property("blessed", blessed)
        predictions = _artifact(component.Predictions, tmp_path / "predictions")
        (tmp_path / "predictions").mkdir()
        component.BulkPredict.EXECUTOR_SPEC.executor_class._FUNCTION(
            model=model,
            **verdicts,
            examples=write_examples(tmp_path / "examples", splits),
            predictions=predictions,
            beam_pipeline=Pipeline(argv=RunConfig().beam_args),
        )
        found: dict[str, Any] = json.loads(
            (tmp_path / "predictions" / "bulk_predict.json").read_text()
        )
        return found

    return run


def test_the_unlabelled_split_becomes_a_submission(
    run_component: Callable[..., Any], picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    rows = [{"id": b"x.jpg", "image": picture(255)}, {"id": b"y.jpg", "image": picture(0)}]
    found = run_component({"train": [], "unlabelled": rows})
    assert found["message"] == "2 rows, 0 with an error"
    with open(found["output"], newline="") as f:
        assert list(csv.reader(f)) == [["id", "label"], ["x.jpg", "light"], ["y.jpg", "dark"]]


def test_without_the_split_or_the_blessing_nothing_is_written(
    run_component: Callable[..., Any], picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    rows = [{"id": b"x.jpg", "image": picture(255)}]
    found = run_component({"unlabelled": rows}, blessed=0)
    assert found == {"output": "", "message": "the model is not blessed: nothing predicted"}
    assert [p.name for p in (tmp_path / "predictions").iterdir()] == ["bulk_predict.json"]
