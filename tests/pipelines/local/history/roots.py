"""Roots with many nights, as runs leave them."""

import datetime
import json
import random
from pathlib import Path
from typing import Any

HOSTILE = "<img src=x onerror=alert(1)>"


def run_id(number: int) -> str:
    """Returns the id of the run of a night, the first of January 2024 being night 0."""
    start = datetime.datetime(2024, 1, 1, 3) + datetime.timedelta(days=number)
    return start.strftime("%Y%m%d-%H%M%S-000")


def summary(number: int, classes: tuple[str, ...] = ("a", "b"), **changes: Any) -> dict[str, Any]:
    """Returns the summary of an ordinary night, which pushed version `100 + number`."""
    chance = random.Random(number)
    scores = {name: 0.9 + 0.05 * chance.random() for name in classes}
    return {
        "task": "digits",
        "name": "digits",
        "run_id": run_id(number),
        "status": "pushed",
        "counts": {"train": 1000, "eval": 100, "rejected": 1, "duplicates": 2},
        "metrics": {"accuracy": 0.9 + 0.0001 * (number % 500), "macro_f1": 0.91},
        "per_class": {
            name: {"precision": 0.9, "recall": 0.9, "f1": f1, "support": 30}
            for name, f1 in scores.items()
        },
        "gates": [],
        "pushed_model": f"/runs/serving/digits/{100 + number}",
        "seconds": {"Trainer": 300.0, "total": 400.5},
        **changes,
    }


def refused(count: int) -> list[dict[str, Any]]:
    """Returns the gates of so many classes that failed, and one that passed."""
    gates = [
        {"name": f"recall of class {i}", "status": "failed", "message": f"class {i} is too low"}
        for i in range(count)
    ]
    return [*gates, {"name": "accuracy", "status": "passed", "message": "fine"}]


def archive(root: Path, name: str, content: dict[str, Any] | str, *, report: bool = False) -> Path:
    """Archives a night as a run does; a text is written as it is. Returns the run's folder."""
    own = content["run_id"] if isinstance(content, dict) else run_id(999)
    folder = root / name / "runs" / own
    folder.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    (folder / "summary.json").write_text(text, encoding="utf-8")
    if report:
        (folder / "report.html").write_text("<title>a report</title>", encoding="utf-8")
    return folder
