"""A run's files as the report reads them, and what becomes of a missing one."""

import json
from pathlib import Path

import pytest

from components.report import material
from components.report.material import Material
from tests.components.report import other_runs, runs
from trainer_modules import boston_housing
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task import overrides

FLOWERS = ("daisy", "roses", "tulips")


def test_every_small_file_of_a_run_is_read(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 60)
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving/check.json").write_text('{"passed": true}')
    found = material.read(
        runs.task(FLOWERS), {**folders, "serving_check": str(tmp_path / "serving")}
    )
    assert found.problems == {}
    for part, file in (
        ("evaluation", "evaluation/report.json"),
        ("gates", "blessing/gates.json"),
        ("serving", "serving/check.json"),
        ("history", "model_run/history.json"),
        ("ingestion", "rejected/summary.json"),
    ):
        written = json.loads((tmp_path / file).read_text(encoding="utf-8"))
        assert written and getattr(found, part) == written, part
    assert "logits (Dense) 1285" in found.model_summary
    assert [one["reason"] for one in found.rejected] == ["truncated JPEG", "not an image"]
    assert (found.classes, found.trained) == (list(FLOWERS), True)
    assert found.problem == Classification(classes=FLOWERS)


def test_a_section_needs_its_kind_of_problem_and_its_details() -> None:
    tags, prices = other_runs.label_sets(20, pictured=False), other_runs.regression()
    assert tags.shows("labels") and not tags.shows("regression")
    assert prices.shows("regression") and not prices.shows("labels")
    assert not Material(task=tags.task).shows("labels"), "without an evaluation"


def test_an_artifact_that_the_run_does_not_have_is_no_problem(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 60)
    found = material.read(runs.task(FLOWERS), {"model_run": folders["model_run"]})
    assert found.problems == {} and found.history and not found.evaluation


def test_each_unreadable_file_is_a_problem_of_its_own_part(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 60)
    (tmp_path / "blessing/gates.json").write_text("{")
    (tmp_path / "model_run/model_summary.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "rejected/rejected.jsonl").unlink()
    found = material.read(runs.task(FLOWERS), folders)
    kinds = {part: text.partition(":")[0] for part, text in found.problems.items()}
    assert kinds == {
        "gates": "JSONDecodeError",
        "model_summary": "UnicodeDecodeError",
        "rejected": "FileNotFoundError",
    }
    assert found.evaluation and found.history and found.ingestion


def test_only_the_first_rejected_files_are_kept(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 60)
    lines = [json.dumps({"id": str(i), "reason": "empty"}) for i in range(300)]
    (tmp_path / "rejected/rejected.jsonl").write_text("\n".join(lines))
    found = material.read(runs.task(FLOWERS), folders)
    assert [one["id"] for one in found.rejected] == [str(i) for i in range(material.LISTED)]


@pytest.mark.parametrize(
    ("gates", "serving", "problems", "blessed"),
    [
        ("passed", {}, {}, True),
        ("passed", {"passed": True}, {}, True),
        ("passed", {"passed": False}, {}, False),
        ("failed", {"passed": True}, {}, False),
        ("not compared", {}, {}, True),
        ("passed", {}, {"gates": "JSONDecodeError"}, False),
        ("passed", {}, {"serving": "FileNotFoundError"}, False),
        ("passed", {}, {"history": "FileNotFoundError"}, True),
    ],
)
def test_what_is_unknown_is_not_blessed(
    gates: str, serving: dict[str, bool], problems: dict[str, str], blessed: bool
) -> None:
    report = runs.evaluation(FLOWERS, 30)
    kinds = {
        "passed": runs.gates(report),
        "failed": runs.gates(report, passed=False),
        "not compared": runs.not_compared("daisy"),
    }
    assert Material(gates=kinds[gates], serving=serving, problems=problems).blessed is blessed


def test_a_part_that_cannot_be_made_costs_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    found = Material(lineage=[("task", "flowers")])

    def broken() -> None:
        raise KeyError("label")

    found.fill("lineage", broken)
    found.fill("drawn_from", lambda: 7)
    assert found.problems == {"lineage": "KeyError: 'label'"}
    assert found.lineage == [("task", "flowers")] and found.drawn_from == 7
    assert "the report's lineage could not be created" in caplog.text
    assert "test_material.py" in caplog.text, "the log has the traceback"


def test_figures_are_compared_on_the_shared_classes_where_there_are_some() -> None:
    evaluation = {"metrics": {"accuracy": 0.9}, "shared": None}
    shared = {"metrics": {"accuracy": 0.5}}
    assert Material(evaluation=evaluation).now["metrics"] == {"accuracy": 0.9}
    assert Material(evaluation={**evaluation, "shared": shared}).now is shared


def test_a_run_is_named_by_its_user_or_by_its_task() -> None:
    task = runs.task(FLOWERS) | {"display": {"names": [["roses", "Rosen"]]}}
    assert (Material(task=task).name, Material(task=task, title="dishes").name) == (
        *("flowers", "dishes"),
    )
    assert Material(task=task).display == {"roses": "Rosen"}


def test_rows_of_a_table_are_no_images() -> None:
    assert other_runs.image_regression(20).has_images
    assert not Material(task=overrides.to_plain(boston_housing.TASK)).has_images
    assert not other_runs.regression().has_images, "no input is named"


def test_without_phases_nothing_was_trained() -> None:
    assert Material(task={"phases": [{}]}).trained and Material().trained
    assert not Material(task={"phases": []}).trained
