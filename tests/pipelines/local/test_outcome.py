"""What a run's components leave behind, in the summary and on the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.local.summary import Summary

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _summary(**values: Any) -> Summary:
    return Summary(task="t", run_id="r", **values)


@pytest.fixture
def add(tmp_path: Path) -> Any:
    """Returns a function from a component's id and its files to the note on its line."""
    from tfx.types import standard_artifacts

    from pipelines.local import outcome
    from pipelines.local.runner import NodeResult

    def run(
        filled: Summary, id: str, output: str = "out", *, cached: bool = False, **files: Any
    ) -> str:
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path / id)
        Path(artifact.uri).mkdir(exist_ok=True)
        for name, content in files.items():
            Path(artifact.uri, f"{name}.json").write_text(json.dumps(content))
        result = NodeResult(
            id=id, cached=cached, resolver=False, seconds=1.23456, outputs={output: [artifact]}
        )
        return outcome.add_node(filled, result)

    return run


def test_times_memory_and_what_came_from_the_cache(add: Any) -> None:
    summary = _summary()
    assert add(summary, "StatisticsGen") == ""
    assert add(summary, "Transform", cached=True) == ""
    assert (summary.ran, summary.cached) == (["StatisticsGen"], ["Transform"])
    assert summary.seconds == {"StatisticsGen": 1.235, "Transform": 1.235}
    # This process has TensorFlow in memory: megabytes, neither kilobytes nor gigabytes.
    assert 100 < summary.peak_megabytes["StatisticsGen"] < 100_000


@pytest.mark.parametrize("duplicates", [{"count": 2, "listed": []}, 2])
def test_examples_are_counted_as_every_version_wrote_them(add: Any, duplicates: Any) -> None:
    summary = _summary()
    counts = {"counts": {"train": 12345, "eval": 6}, "rejected": 1, "duplicates": duplicates}
    note = add(summary, "ImageExampleGen", "rejected", summary=counts)
    assert note == "12,345 train, 6 eval, 1 rejected, 2 duplicates"
    counts["converted"] = {"count": 3, "listed": []}
    assert add(summary, "ImageExampleGen", "rejected", summary=counts).endswith(", 3 converted")
    assert summary.counts["converted"] == 3


def test_spans_are_told_without_their_classes_and_what_is_judged_instead(add: Any) -> None:
    summary = _summary()
    counts = {"counts": {"train": 5}, "rejected": 0, "duplicates": 0}
    read = [
        {"span": "span-1", "newest": False, "judged": True, "counts": {"train": 5}, "classes": {}},
        {"span": "span-2", "newest": True, "judged": False, "counts": {"train": 0}, "classes": {}},
    ]
    note = add(summary, "ImageExampleGen", "rejected", summary=counts, spans=read)
    assert note.endswith("; evaluating span-1: nothing held out in span-2")
    assert [set(span) for span in summary.spans] == [{"span", "newest", "judged", "counts"}] * 2


@pytest.mark.parametrize(
    ("history", "note"),
    [
        (
            {"exported_epoch": 4, "epochs": [{}] * 9, "monitor": "val_loss"},
            "exported: epoch 4 of 9, best by val_loss",
        ),
        ({"exported_epoch": 9, "epochs": [{}] * 9}, "exported: epoch 9 of 9"),
        ({"epochs": []}, ""),
    ],
)
def test_the_epoch_of_the_exported_weights(add: Any, history: dict, note: str) -> None:
    assert add(_summary(), "Trainer", "model_run", history=history) == note


def test_what_the_training_started_from(add: Any) -> None:
    history = {"exported_epoch": 3, "epochs": [{}] * 3, "monitor": "val_loss"}
    plain = _summary()
    assert add(plain, "Trainer", "model_run", history=history) == "exported: epoch 3 of 3"
    assert plain.start == {"from": "scratch", "model": None, "version": None}
    summary = _summary()
    start = {"from": "scratch", "model": None, "version": None, "reason": "no model yet"}
    note = add(summary, "Trainer", "model_run", history=history | {"start": start})
    assert note == "exported: epoch 3 of 3; started from scratch: no model yet"
    assert summary.start == start


def test_metrics_and_what_they_were_compared_with(add: Any) -> None:
    summary = _summary()
    report = {
        "metrics": {"accuracy": 0.98765, "auc": None, "log_loss": 12.3456, "f1": 0.5},
        "per_class": {"a": {"f1": 0.5}},
        "baseline": {"uri": "/m"},
        "baseline_reason": "Compared with /m.",
        "shared": {"added": ["c"], "removed": []},
    }
    note = add(summary, "ImageEvaluator", "evaluation", report=report)
    assert note == "accuracy 0.9877  auc –  log_loss 12.35"
    assert summary.metrics == report["metrics"] and summary.per_class == report["per_class"]
    assert summary.baseline == {
        "compared": True,
        "reason": "Compared with /m.",
        "added": ["c"],
        "removed": [],
    }


GATE = {"name": "accuracy >= 0.9", "kind": "at_least", "bound": 0.9}


@pytest.mark.parametrize(
    ("passed", "serves", "ran", "unchanged", "status", "exit_code"),
    [
        (True, True, ["Trainer", "Pusher"], False, "pushed", 0),
        # Pusher's own result came from the cache: the push was another night's.
        (True, True, ["Report"], False, "nothing_new", 0),
        (False, True, ["Trainer"], False, "not_blessed", 3),
        (True, False, ["Trainer"], False, "not_blessed", 3),
        (True, True, [], False, "nothing_new", 0),
        (True, True, ["Trainer", "Pusher"], True, "nothing_new", 0),
    ],
)
def test_the_status_of_a_run_whose_components_succeeded(
    passed: bool, serves: bool, ran: list[str], unchanged: bool, status: str, exit_code: int
) -> None:
    from tfx.types import standard_artifacts

    from components.pusher.component import UNCHANGED
    from pipelines.local import outcome
    from pipelines.local.runner import NodeResult
    from pipelines.local.summary import EXIT_CODES

    pushed = standard_artifacts.PushedModel()
    pushed.set_int_custom_property(UNCHANGED, int(unchanged))
    pushed.set_string_custom_property("pushed_destination", "/serving/7")
    summary = _summary(
        gates=[{**GATE, "passed": passed, "status": "passed" if passed else "failed"}],
        serving={"passed": serves},
        ran=ran,
    )
    result = NodeResult(
        id="Pusher", cached=False, resolver=False, seconds=1, outputs={"pushed_model": [pushed]}
    )
    outcome.conclude(summary, [result], "/serving")
    assert (summary.status, EXIT_CODES[summary.status]) == (status, exit_code)


def test_verdicts_are_said_on_the_lines_of_their_judges(add: Any) -> None:
    summary = _summary()
    failed = [{**GATE, "passed": False, "status": "failed"}]
    assert add(summary, "ModelGate", "blessing", gates=failed).endswith(": not blessed")
    assert summary.gates == failed
    check = {"passed": True, "reason": "", "latency_ms": {"median": 1.23456}, "samples": 3}
    note = add(summary, "ServingCheck", "blessing", check=check)
    assert note == "serves; one instance takes 1.23 ms"
    del check["samples"]
    assert summary.serving == check
    broken = {"passed": False, "reason": "no signature"}
    assert add(summary, "ServingCheck", "blessing", check=broken) == "does not serve"
    assert summary.serving == {**broken, "latency_ms": None}


def test_what_was_pushed_predicted_and_exported(add: Any) -> None:
    summary = _summary()
    assert add(summary, "Pusher", "pushed_model") == "nothing pushed"
    assert summary.pushed_model is None
    done = {"output": "/out/p.csv", "message": "12 predictions"}
    assert add(summary, "BulkPredict", "predictions", bulk_predict=done) == "12 predictions"
    assert summary.predictions == "/out/p.csv"
    forms = {"tflite": {"bytes": 3}, "onnx": {"bytes": 4}}
    assert add(summary, "ExportFormats", "exports", exports=forms) == "tflite, onnx"
    assert "nothing exported" in add(summary, "ExportFormats", "exports", exports={})


def test_a_run_is_archived_with_its_page_as_far_as_it_got(tmp_path: Path) -> None:
    from pipelines.local import archive, outcome
    from trainer_modules.digits import TASK

    summary = Summary(task="digits", run_id="20260101-000000-000", error="disk full")
    outcome.archive(str(tmp_path), summary, TASK, [])
    found = archive.find(str(tmp_path), "latest")
    assert found.summary["error"] == "disk full" and found.task["name"] == "digits"
    assert summary.report is None and not (tmp_path / "report").exists()


def test_a_held_model_is_said_on_pushers_line() -> None:
    from tfx.types import standard_artifacts

    from pipelines.local import outcome
    from pipelines.local.runner import NodeResult

    def note(cached: bool, **properties: str) -> str:
        pushed = standard_artifacts.PushedModel()
        for name, value in properties.items():
            pushed.set_string_custom_property(name, value)
        outputs = {"pushed_model": [pushed]}
        result = NodeResult(id="Pusher", cached=cached, resolver=False, seconds=1, outputs=outputs)
        return outcome.add_node(_summary(), result)

    assert note(False, held_version="7").startswith("held as version 7")
    # Since then, somebody may have decided.
    assert note(True, held_version="7").startswith("was held as version 7")
    assert note(False, withheld="version 7 was refused") == "nothing pushed: version 7 was refused"


def _drift(status: str, *findings: str, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "status": status,
        "findings": [{"what": what, "sentence": f"{what} moved"} for what in findings],
        "comparisons": [],
        "notes": list(notes),
        "samples": {},
    }


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (_drift("warned", "labels", "height", "labels"), "drift of labels, height"),
        (_drift("none", notes=("no champion is known",)), "no drift"),
        (_drift("not_compared", notes=("a", "b")), "not compared: a; b"),
    ],
)
def test_drift_is_in_the_summary_and_on_its_line(add: Any, content: Any, note: str) -> None:
    summary = _summary()
    assert add(summary, "DriftCheck", "drift", drift=content) == note
    wanted = {name: content[name] for name in ("status", "findings", "notes")}
    assert summary.drift == wanted


def test_a_run_that_drift_has_stopped_says_what_it_found() -> None:
    from components.drift.component import DriftStopError
    from pipelines.local import lineage, outcome
    from pipelines.local.runner import NodeFailedError

    failure = NodeFailedError("DriftCheck", 1.23456)
    failure.__cause__ = DriftStopError("The newest examples have drifted.", _drift("stopped", "x"))
    summary = _summary()
    outcome.add_failure(summary, failure)
    assert summary.seconds == {"DriftCheck": 1.235}
    assert summary.drift["status"] == "stopped" and summary.drift["findings"]
    assert lineage.explain(failure) == ("The newest examples have drifted.", 2)
