"""Reads what a run's components left behind into the run's summary."""

import json
import os
from typing import Any

from pipelines import summary as summaries
from pipelines.local_runner import NodeResult
from pipelines.summary import Summary


def add_node(summary: Summary, result: NodeResult) -> str:
    """Adds a finished component to `summary`; returns a note for its line on the terminal."""
    summary.seconds[result.id] = round(result.seconds, 3)
    if result.cached:
        summary.cached.append(result.id)
    reader = _READERS.get(result.id)
    return reader(summary, result) if reader else ""


def conclude(summary: Summary, results: list[NodeResult]) -> None:
    """Sets the status of a run whose components all succeeded."""
    worked = any(not result.cached and not result.resolver for result in results)
    blessed = all(gate["passed"] for gate in summary.gates) and summary.serving.get("passed", True)
    if not blessed:
        summary.status = summaries.NOT_BLESSED
    elif worked:
        summary.status = summaries.PUSHED
    else:
        summary.status = summaries.NOTHING_NEW


def _read_json(folder: str, name: str) -> Any:
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return json.load(f)


def _examples(summary: Summary, result: NodeResult) -> str:
    found = _read_json(result.outputs["rejected"][0].uri, "summary.json")
    duplicates = found["duplicates"]
    summary.counts = {
        **found["counts"],
        "rejected": found["rejected"],
        "duplicates": duplicates if isinstance(duplicates, int) else duplicates["count"],
    }
    return ", ".join(f"{count:,} {name}" for name, count in summary.counts.items())


def _evaluation(summary: Summary, result: NodeResult) -> str:
    report = _read_json(result.outputs["evaluation"][0].uri, "report.json")
    summary.metrics = report["metrics"]
    summary.per_class = report["per_class"]
    return "  ".join(f"{name} {value:.4g}" for name, value in list(summary.metrics.items())[:3])


def _gate(summary: Summary, result: NodeResult) -> str:
    summary.gates = _read_json(result.outputs["blessing"][0].uri, "gates.json")
    passed = sum(gate["passed"] for gate in summary.gates)
    verdict = "blessed" if passed == len(summary.gates) else "not blessed"
    return f"{passed} of {len(summary.gates)} gates passed: {verdict}"


def _serving_check(summary: Summary, result: NodeResult) -> str:
    found = _read_json(result.outputs["blessing"][0].uri, "check.json")
    summary.serving = {name: found.get(name) for name in ("passed", "reason", "latency_ms")}
    if not found["passed"]:
        return "does not serve"
    return f"serves; one instance takes {found['latency_ms']['median']:.3g} ms"


def _pusher(summary: Summary, result: NodeResult) -> str:
    pushed = result.outputs["pushed_model"][0]
    summary.pushed_model = pushed.get_string_custom_property("pushed_destination") or None
    return summary.pushed_model or "nothing pushed"


_READERS = {
    "ImageExampleGen": _examples,
    "ImageEvaluator": _evaluation,
    "ModelGate": _gate,
    "ServingCheck": _serving_check,
    "Pusher": _pusher,
}
