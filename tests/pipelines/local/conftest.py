"""Two archived runs."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.local import archive
from tests.components.report import runs
from tests.pipelines.local import last_night
from trainer_modules.digits import TASK
from trainer_modules.engine.task import overrides

CLASSES = tuple(str(i) for i in range(10))
FIRST, SECOND = "20260101-000000-000", "20260102-000000-000"


def archived_summary(run_id: str, seed: int, **changes: Any) -> dict[str, Any]:
    found = runs.evaluation(CLASSES, 300, seed)
    return {
        "task": "digits",
        "run_id": run_id,
        "status": "pushed",
        "counts": {"train": 1203, "eval": 594},
        "metrics": found["metrics"],
        "per_class": found["per_class"],
        "gates": [{"name": "accuracy >= 0.97", "passed": seed > 0}],
        "seconds": {"Trainer": 3.0 + seed, "total": 30.0},
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A task's folder with two archived runs; the second trained for fewer epochs."""
    for number, run_id in enumerate((FIRST, SECOND)):
        source = tmp_path / f"artifact-{number}"
        uris = runs.write(source, CLASSES, 200, history=runs.history(10 - 4 * number))
        task = overrides.apply(TASK, ["phases.0.epochs=20"] if number else [])
        archive.keep(str(tmp_path), archived_summary(run_id, number), task, uris)
    return str(tmp_path)


@pytest.fixture
def last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> last_night.Last:
    """A night that has ended."""
    return last_night.ended(tmp_path, monkeypatch)
