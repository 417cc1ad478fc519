"""One night as the history shows it; importing this module is cheap."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

# Statuses of nights that left no summary, or none that can be read.
RUNNING, INTERRUPTED, UNREADABLE = "running", "interrupted", "unreadable"
# Sentences of a night that are kept, and the characters of each: many classes can fail many gates.
SENTENCES, _CHARACTERS = 3, 400
_ID = "%Y%m%d-%H%M%S-%f"


@dataclass(frozen=True, kw_only=True)
class Night:
    """One run of one name; its fields are those of `--history --json`.

    Attributes:
      run_id: The run's id, which is its start in local time.
      time: The same in ISO 8601; "" where the id is not a time.
      status: As in `summary.json`; or `interrupted` (it left a log but no summary), `running`, or
        `unreadable` (`error` says why).
      error: Why it failed; "" if it did not.
      version: The version that the night pushed, found served, or holds; "" for none.
      metric: Name of the first headline metric; "" where nothing was evaluated.
      value: Its value.
      metrics: All overall metrics by name.
      worst_class: The class with the lowest score, or "".
      worst: Its score, in [0, 1].
      classes: Class name → score (F1, or IoU), in [0, 1].
      examples: Split → number of examples, and `rejected` and `duplicates`.
      spans: Span name → number of examples, oldest first; {} where the data has no spans.
      refused: Sentences of the gates that failed, at most three.
      refused_count: How many gates failed.
      drift: `none`, `warned`, `stopped`, `held`, `not_compared`; "" where it was not looked for.
      drift_findings: Sentences of the findings, at most three.
      held: Why the model waits for approval.
      withheld: Why a blessed model is not served; "" if it is, or is held.
      start: What the training started from: `scratch`, `champion`, or "".
      seconds: Wall time of the whole run.
      disk: Bytes by component, and `total`; {} where they were not counted.
      report: The night's report, relative to the root, as long as it is kept; else "".
    """

    run_id: str
    time: str = ""
    status: str = "failed"
    error: str = ""
    version: str = ""
    metric: str = ""
    value: float | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    worst_class: str = ""
    worst: float | None = None
    classes: dict[str, float | None] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)
    spans: dict[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    refused_count: int = 0
    drift: str = ""
    drift_findings: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    withheld: str = ""
    start: str = ""
    seconds: float | None = None
    disk: dict[str, int] = field(default_factory=dict)
    report: str = ""

    @property
    def size(self) -> int | None:
        """Examples beneath the night's figures: of the newest span, else of all splits."""
        if self.spans:
            return list(self.spans.values())[-1]
        counts = [n for key, n in self.examples.items() if key not in _NOT_SPLITS]
        return sum(counts) if counts else None

    @property
    def happened(self) -> list[str]:
        """Sentences on what went wrong or waits, the most important first."""
        more = self.refused_count - len(self.refused)
        return [
            *self.refused,
            *([f"and {more} more gate{'s' * (more != 1)}"] if more else []),
            *(f"held: {reason}" for reason in self.held),
            *([self.withheld] if self.withheld else []),
            *(f"drift: {finding}" for finding in self.drift_findings),
            *([self.error] if self.error else []),
        ]

    def plain(self) -> dict[str, Any]:
        """Returns the fields as JSON has them."""
        return asdict(self)


_NOT_SPLITS = ("rejected", "duplicates", "converted")


def time_of(run_id: str) -> str:
    """Returns the start of a run in ISO 8601, to the second; "" if the id is not a time."""
    try:
        return datetime.strptime(run_id, _ID).isoformat(timespec="seconds")
    except ValueError:
        return ""


def without_summary(run_id: str, status: str, error: str = "") -> Night:
    """Returns a night of which no more is known than that it was."""
    return Night(run_id=run_id, time=time_of(run_id), status=status, error=shortened(error))


def from_plain(fields: Mapping[str, Any], *, report: str) -> Night:
    """Returns the night that `Night.plain` described.

    Args:
      fields: The fields.
      report: The night's report, as it is now.
    """
    lists = {name: tuple(fields[name]) for name in ("refused", "drift_findings", "held")}
    return Night(**{**fields, **lists, "report": report})


def shortened(text: str) -> str:
    """Returns a text of at most 400 characters."""
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
