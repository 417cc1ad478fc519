"""`summary.json`: the results of a run, for scripts; its fields are a stable interface."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer_modules.engine.problems import vocabulary

PUSHED = "pushed"
NOT_BLESSED = "not_blessed"
NOTHING_NEW = "nothing_new"
FAILED = "failed"
# Blessed, and waiting for somebody to approve or refuse it.
HELD = "held"

EXIT_CODES = {PUSHED: 0, HELD: 0, NOTHING_NEW: 0, FAILED: 1, NOT_BLESSED: 3}


@dataclass(kw_only=True)
class Summary:
    """One run.

    Attributes:
      task: Name of the task.
      name: The name of the runs and of the served model: the task's name, or `--name`.
      run_id: Start of the run, local time.
      status: `pushed`, `held`, `not_blessed`, `nothing_new` or `failed`.
      counts: Examples per split, and `rejected` and `duplicates`, and `converted` where there are.
      spans: What was read of each span, oldest first: the entries of `spans.json` (see
        `RejectedExamples`) without their classes; one nameless entry where there are no spans.
      metrics: Overall metrics by name.
      per_class: Class name → precision, recall, f1, support.
      gates: Each gate with its bound, value, `status` (`passed`, `failed`, `not_compared`) and
        `passed` (true, false, null).
      drift: What differs between the newest examples and those before them: `status` (`none`,
        `warned`, `stopped`, `held`, `not_compared`), `findings` (each with `what`, `against`,
        `sentence`, `value`, `threshold`, `p_value`) and `notes` on what was not compared.
      baseline: Whether the model was `compared` with the last blessed one, the `reason`, and the
        classes `added` and `removed` since.
      serving: Whether the exported model serves: `passed`, `reason`, `latency_ms`.
      pushed_model: Folder of the served version, or None.
      held: The `version` that waits for a decision, and the `reasons`; {} if none does.
      withheld: Why a blessed model is not served: who withdrew or refused it, or that it was
        removed; "" if it is, or is held.
      schema: Whether the data's schema was `inferred`, its `path`, and for an inferred one
        `put_it_at`, where the reviewed file belongs, and `changes` since the last inferred one; {}
        for a task of the repository, or where the run did not get so far.
      predictions: File or folder of predictions for the unlabelled split, or None.
      exports: Form → file, size and difference from the SavedModel.
      report: The HTML report, or None.
      seconds: Wall time per component, and `total`.
      disk: Bytes by component (`Transform`, `served`, `archives`, …) and their `total`, as the run
        left them; a file with several names counts once. {} where the run did not get so far.
      peak_megabytes: Peak memory of the process at the end of each component.
      cached: Components whose results came from an earlier run.
      ran: Components that ran; components that only resolve artifacts are in neither list.
      error: Why the run failed, or None.
      log: The log file; "" for a repetition, which needs none.
      repeats: The id of the run whose result this one repeats, since data, code and settings are
        the same; "" for a run of its own.
    """

    task: str
    run_id: str
    name: str = ""
    status: str = FAILED
    counts: dict[str, int] = field(default_factory=dict)
    spans: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    drift: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, Any] = field(default_factory=dict)
    serving: dict[str, Any] = field(default_factory=dict)
    pushed_model: str | None = None
    held: dict[str, Any] = field(default_factory=dict)
    withheld: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    predictions: str | None = None
    exports: dict[str, Any] = field(default_factory=dict)
    report: str | None = None
    start: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    disk: dict[str, int] = field(default_factory=dict)
    peak_megabytes: dict[str, int] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    error: str | None = None
    log: str = ""
    repeats: str = ""

    def write(self, path: str) -> None:
        """Writes the summary to `path` atomically."""
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8"
        ) as f:
            json.dump(self.__dict__, f, indent=2, ensure_ascii=False)
        os.chmod(f.name, 0o644)
        os.replace(f.name, path)


def worst_class(
    per_class: Mapping[str, Mapping[str, float | None]],
) -> tuple[str, Mapping[str, float | None]] | None:
    """Returns the class with the lowest score (F1, or IoU) among those that have examples."""
    scores = {
        name: figures.get(vocabulary.of_class(figures).score) or 0.0
        for name, figures in per_class.items()
        if figures.get("support", 1)
    }
    if not scores:
        return None
    name = min(scores, key=lambda n: scores[n])
    return name, per_class[name]
