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
    from components.example_gen.artifacts import RejectedExamples

    def run(
        splits: dict[str, Any],
        blessed: int = 1,
        rejected: tuple[dict[str, str], ...] = (),
        columns: str = "id,label",
    ) -> dict[str, Any]:
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
        (tmp_path / "rejected").mkdir()
        lines = "".join(json.dumps(line) + "\n" for line in rejected)
        (tmp_path / "rejected" / "rejected.jsonl").write_text(lines)
        predictions = _artifact(component.Predictions, tmp_path / "predictions")
        (tmp_path / "predictions").mkdir()
        component.BulkPredict.EXECUTOR_SPEC.executor_class._FUNCTION(
            model=model,
            **verdicts,
            examples=write_examples(tmp_path / "examples", splits),
            rejected=_artifact(RejectedExamples, tmp_path / "rejected"),
            predictions=predictions,
            columns=columns,
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


def test_the_task_names_the_columns_and_numbers_the_classes(
    run_component: Callable[..., Any], picture: Callable[[int], bytes]
) -> None:
    from trainer_modules.engine.problems import Classification
    from trainer_modules.engine.task.submission import Submission

    rows = [{"id": b"x.jpg", "image": picture(255)}, {"id": b"y.jpg", "image": picture(0)}]
    rejected = ({"id": "torn.jpg", "split": "unlabelled", "reason": "is empty"},)
    form = Submission(id_column="image_id", label_column="class", label="number")
    columns = form.columns(Classification(classes=("a", "b")).submission_fields)
    found = run_component({"unlabelled": rows}, rejected=rejected, columns=columns)
    # `dark` is the first of the classifier's classes, `light` the third.
    expected = "image_id,class\nx.jpg,2\ny.jpg,0\ntorn.jpg,\n"
    assert Path(found["output"]).read_text() == expected
    errors = Path(found["output"]).with_name("errors.csv")
    assert errors.read_text() == "id,error\ntorn.jpg,is empty\n"


def test_what_was_rejected_has_a_row_and_a_reason(
    run_component: Callable[..., Any], picture: Callable[[int], bytes]
) -> None:
    rejected = (
        {"id": "torn.jpg", "split": "unlabelled", "reason": "is empty, or not"},
        {"id": "other.jpg", "split": "train", "reason": "is empty"},
    )
    rows = [{"id": b"x.jpg", "image": picture(255)}]
    found = run_component({"train": [], "unlabelled": rows}, rejected=rejected)
    assert found["message"] == "2 rows, 1 with an error"
    output = Path(found["output"])
    assert output.read_text() == "id,label\nx.jpg,light\ntorn.jpg,\n"
    assert output.with_name("errors.csv").read_text() == ('id,error\ntorn.jpg,"is empty, or not"\n')
    assert {p.name for p in output.parent.iterdir()} == {
        *("submission.csv", "errors.csv", "bulk_predict.json"),
    }


def test_a_split_without_examples_is_a_header(run_component: Callable[..., Any]) -> None:
    found = run_component({"unlabelled": []})
    assert Path(found["output"]).read_text() == "id,label\n"


def test_without_the_split_or_the_blessing_nothing_is_written(
    run_component: Callable[..., Any], picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    rows = [{"id": b"x.jpg", "image": picture(255)}]
    found = run_component({"unlabelled": rows}, blessed=0)
    assert found == {"output": "", "message": "the model is not blessed: no predictions were made"}
    assert [p.name for p in (tmp_path / "predictions").iterdir()] == ["bulk_predict.json"]
