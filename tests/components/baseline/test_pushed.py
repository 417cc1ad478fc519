from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _push(serving: Path, version: str) -> None:
    folder = serving / version
    (folder / "assets").mkdir(parents=True)
    (folder / "assets/classes.txt").write_text(version)
    (folder / "saved_model.pb").write_bytes(b"graph")


def _run(serving: Path, model_folder: Path, version: str) -> None:
    from tfx.types import standard_artifacts

    from components.baseline.pushed import PushedBaseline_Executor

    candidate, model = standard_artifacts.Model(), standard_artifacts.Model()
    model.uri = str(model_folder)
    PushedBaseline_Executor().Do(
        {"candidate": [candidate]},
        {"model": [model]},
        {"serving_folder": str(serving), "version": version},
    )


def test_the_chosen_version_is_copied(tmp_path: Path) -> None:
    _push(tmp_path / "serving", "10")
    _run(tmp_path / "serving", tmp_path / "model", str(tmp_path / "serving/10"))
    found = tmp_path / "model/Format-Serving"
    assert (found / "assets/classes.txt").read_text() == "10"
    assert (found / "saved_model.pb").exists()


def test_no_model_yet(tmp_path: Path) -> None:
    from components.evaluator.comparability import decide

    _run(tmp_path / "serving", tmp_path / "model", "")
    assert not (tmp_path / "model/Format-Serving").exists()
    assert not decide(str(tmp_path / "new"), str(tmp_path / "model/Format-Serving")).used


def test_reviewed_schema_is_written_as_it_is(tmp_path: Path) -> None:
    from tfx.types import standard_artifacts

    from components.data_validation.reviewed_schema import ReviewedSchema_Executor

    schema = standard_artifacts.Schema()
    schema.uri = str(tmp_path / "schema")
    ReviewedSchema_Executor().Do({}, {"schema": [schema]}, {"text": 'feature { name: "image" }'})
    assert (tmp_path / "schema/schema.pbtxt").read_text() == 'feature { name: "image" }'
