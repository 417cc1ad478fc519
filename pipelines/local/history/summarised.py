"""Makes a night of an archived `summary.json`: the few hundred bytes that the history needs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.model_gate import gate_outcome
from pipelines.local import summary as summaries
from pipelines.local.history.night import SENTENCES, Night, shortened, time_of
from trainer_modules.engine.problems import vocabulary


def from_summary(run_id: str, summary: Mapping[str, Any]) -> Night:
    """Returns the night of an archived summary, of this version or an older one.

    Args:
      run_id: The name of the archive's folder.
      summary: The fields of `summary.json`; missing ones have their defaults.

    Raises:
      ValueError, TypeError, KeyError, AttributeError: If it is not a summary.
    """
    metrics = {name: _number(value) for name, value in (summary.get("metrics") or {}).items()}
    first = next(iter(vocabulary.headline(metrics)), next(iter(metrics), ""))
    per_class = summary.get("per_class") or {}
    worst = summaries.worst_class(per_class)
    classes = {name: _score(figures) for name, figures in per_class.items()}
    gates = summary.get("gates") or []
    failed = gate_outcome.with_status(gates, gate_outcome.FAILED)
    refused = [gate.get("message") or gate["name"] for gate in failed]
    serving = summary.get("serving") or {}
    if serving.get("passed") is False:
        refused.append(f"The exported model fails its serving check: {serving.get('reason')}")
    drift = summary.get("drift") or {}
    findings = [finding["sentence"] for finding in drift.get("findings") or []]
    return Night(
        run_id=run_id,
        time=time_of(run_id),
        status=str(summary["status"]),
        error=shortened(summary.get("error") or ""),
        version=_version(summary),
        metric=first,
        value=metrics.get(first),
        metrics=metrics,
        worst_class=worst[0] if worst else "",
        worst=classes[worst[0]] if worst else None,
        classes=classes,
        examples=dict(summary.get("counts") or {}),
        spans=_spans(summary.get("spans") or []),
        refused=_sentences(refused),
        refused_count=len(refused),
        drift=drift.get("status") or "",
        drift_findings=_sentences(findings),
        withheld=shortened(summary.get("withheld") or ""),
        held=_sentences((summary.get("held") or {}).get("reasons") or []),
        start=(summary.get("start") or {}).get("from") or "",
        seconds=_number((summary.get("seconds") or {}).get("total")),
        disk=dict(summary.get("disk") or {}),
    )


def _version(summary: Mapping[str, Any]) -> str:
    """Returns the version that a run pushed, found served, or holds; "" for none."""
    pushed = str(summary.get("pushed_model") or "").rstrip("/").rpartition("/")[2]
    return pushed or str((summary.get("held") or {}).get("version") or "")


def _spans(spans: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {span["span"]: sum(span["counts"].values()) for span in spans if span.get("span")}


def _score(figures: Mapping[str, float | None]) -> float | None:
    return _number(figures.get(vocabulary.of_class(figures).score))


def _number(value: Any) -> float | None:
    """Returns a finite number, to six significant digits; None for others, which JSON lacks."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def _sentences(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(shortened(text) for text in texts[:SENTENCES])
