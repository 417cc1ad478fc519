"""Reads the outputs of a run's components into the run's summary."""

import json
import os
import resource
import sys
from typing import Any

from components.drift.artifacts import FINDINGS, NOT_COMPARED
from components.drift.component import DriftStopError
from components.example_gen.artifacts import SPANS
from components.model_gate import gate_outcome
from components.pusher.component import HELD_VERSION, UNCHANGED, WITHHELD
from components.report import training
from components.report.page import finish_report
from pipelines.local import archive as archives
from pipelines.local import promotion
from pipelines.local import summary as summaries
from pipelines.local.runner import NodeFailedError, NodeResult
from pipelines.local.summary import Summary
from trainer_modules.engine.task.task import Task


def add_node(summary: Summary, result: NodeResult) -> str:
    """Adds a finished component to `summary`; returns a note for its line on the terminal."""
    summary.seconds[result.id] = round(result.seconds, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    summary.peak_megabytes[result.id] = round(peak / (1e6 if sys.platform == "darwin" else 1e3))
    if result.cached:
        summary.cached.append(result.id)
    elif not result.resolver:
        summary.ran.append(result.id)
    reader = _READERS.get(result.id)
    return reader(summary, result) if reader else ""


def add_failure(summary: Summary, failure: NodeFailedError) -> None:
    """Adds the component that ended the run to `summary`."""
    summary.seconds[failure.node_id] = round(failure.seconds, 3)
    if isinstance(failure.__cause__, DriftStopError):
        add_drift(summary, failure.__cause__.content)


def archive(folder: str, summary: Summary, task: Task, results: list[NodeResult]) -> None:
    """Archives the run with its report, and copies the report to the task's folder.

    Args:
      folder: Where the task's runs are kept.
      summary: The run, finished; its `report` is set.
      task: The task, settings applied.
      results: The result of each component.
    """
    outputs = {
        key: artifacts[0].uri for r in results for key, artifacts in r.outputs.items() if artifacts
    }
    if "report" in outputs:
        summary.report = archives.publish(outputs["report"], folder)
        finish_report(
            summary.report,
            summary.seconds,
            run_id=summary.run_id,
            cached=summary.cached,
            peak_megabytes=summary.peak_megabytes,
            held=summary.held,
            withheld=summary.withheld,
        )
        archives.keep_report(folder, summary.run_id)
    archives.keep(folder, summary.__dict__, task, outputs)


def conclude(summary: Summary, results: list[NodeResult], serving_folder: str) -> None:
    """Sets the status of a run whose components all succeeded.

    Args:
      summary: The run.
      results: The result of each component.
      serving_folder: Where models are pushed.

    Raises:
      BadInputError: If the record of versions is damaged.
    """
    serves = summary.serving.get("passed", True)
    if gate_outcome.refused(summary.gates) or not serves:
        summary.status = summaries.NOT_BLESSED
        return
    (pushed,) = (a for r in results for a in r.outputs.get("pushed_model", []))
    promotion.conclude(summary, pushed, serving_folder)


def _read_json(folder: str, name: str) -> Any:
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return json.load(f)


def _examples(summary: Summary, result: NodeResult) -> str:
    folder = result.outputs["rejected"][0].uri
    counts = _read_json(folder, "summary.json")
    # An older run's artifact, which may come from the cache, lacks some of this information.
    if os.path.exists(os.path.join(folder, SPANS)):
        spans = _read_json(folder, SPANS)
        summary.spans = [{k: v for k, v in span.items() if k != "classes"} for span in spans]
    duplicates = counts["duplicates"]
    summary.counts = {
        **counts["counts"],
        "rejected": counts["rejected"],
        "duplicates": duplicates if isinstance(duplicates, int) else duplicates["count"],
    }
    if converted := counts.get("converted", {}).get("count"):
        summary.counts["converted"] = converted
    note = ", ".join(f"{count:,} {name}" for name, count in summary.counts.items())
    judged = next((span for span in summary.spans if span["judged"] and not span["newest"]), None)
    if judged:
        note += f"; evaluating {judged['span']}: nothing held out in {summary.spans[-1]['span']}"
    return note


def _drift(summary: Summary, result: NodeResult) -> str:
    add_drift(summary, _read_json(result.outputs["drift"][0].uri, FINDINGS))
    findings = summary.drift["findings"]
    if findings:
        return f"drift of {', '.join(dict.fromkeys(one['what'] for one in findings))}"
    if summary.drift["status"] == NOT_COMPARED:
        return f"not compared: {'; '.join(summary.drift['notes'])}"
    return "no drift"


def add_drift(summary: Summary, content: dict[str, Any]) -> None:
    """Adds what DriftCheck wrote, or would have written if it had not stopped the run."""
    summary.drift = {name: content[name] for name in ("status", "findings", "notes")}


def _training(summary: Summary, result: NodeResult) -> str:
    """Names the epoch whose weights the exported model has, and what the training started from."""
    history = _read_json(result.outputs["model_run"][0].uri, "history.json")
    summary.start = history.get("start", {"from": "scratch", "model": None, "version": None})
    started = training.started(history)
    exported, epochs = history.get("exported_epoch"), len(history.get("epochs", []))
    if not exported:
        return started
    chosen = f", best by {history['monitor']}" if exported != epochs else ""
    return f"exported: epoch {exported} of {epochs}{chosen}{started and f'; {started}'}"


def _evaluation(summary: Summary, result: NodeResult) -> str:
    report = _read_json(result.outputs["evaluation"][0].uri, "report.json")
    summary.metrics = report["metrics"]
    summary.per_class = report["per_class"]
    shared = report.get("shared") or {}
    summary.baseline = {
        "compared": report["baseline"] is not None,
        "reason": report["baseline_reason"],
        "added": shared.get("added", []),
        "removed": shared.get("removed", []),
    }
    shown = list(summary.metrics.items())[:3]
    return "  ".join(f"{name} {'–' if value is None else f'{value:.4g}'}" for name, value in shown)


def _gate(summary: Summary, result: NodeResult) -> str:
    summary.gates = _read_json(result.outputs["blessing"][0].uri, "gates.json")
    verdict = "not blessed" if gate_outcome.refused(summary.gates) else "blessed"
    return f"{gate_outcome.counted(summary.gates)}: {verdict}"


def _serving_check(summary: Summary, result: NodeResult) -> str:
    checked = _read_json(result.outputs["blessing"][0].uri, "check.json")
    summary.serving = {name: checked.get(name) for name in ("passed", "reason", "latency_ms")}
    if not checked["passed"]:
        return "does not serve"
    return f"serves; one instance takes {checked['latency_ms']['median']:.3g} ms"


def _pusher(summary: Summary, result: NodeResult) -> str:
    pushed = result.outputs["pushed_model"][0]
    summary.pushed_model = pushed.get_string_custom_property("pushed_destination") or None
    if held := pushed.get_string_custom_property(HELD_VERSION):
        # A result from the cache knows of no decision since; the last lines of the run do.
        was = "was held" if result.cached else "held"
        return f"{was} as version {held}, for somebody to approve or refuse"
    if withheld := pushed.get_string_custom_property(WITHHELD):
        return f"nothing pushed: {withheld}"
    kept = "is already the newest version: " if pushed.get_int_custom_property(UNCHANGED) else ""
    return f"{kept}{summary.pushed_model or 'nothing pushed'}"


def _predictions(summary: Summary, result: NodeResult) -> str:
    predicted = _read_json(result.outputs["predictions"][0].uri, "bulk_predict.json")
    summary.predictions = predicted["output"] or None
    return predicted["message"]


def _exports(summary: Summary, result: NodeResult) -> str:
    summary.exports = _read_json(result.outputs["exports"][0].uri, "exports.json")
    return (
        ", ".join(summary.exports)
        or "the model is not blessed or cannot be served: nothing exported"
    )


_READERS = {
    "ImageExampleGen": _examples,
    "DriftCheck": _drift,
    "Trainer": _training,
    "ImageEvaluator": _evaluation,
    "ModelGate": _gate,
    "ServingCheck": _serving_check,
    "Pusher": _pusher,
    "BulkPredict": _predictions,
    "ExportFormats": _exports,
}
