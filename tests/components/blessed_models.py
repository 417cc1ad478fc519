"""Models with files as an export has them, and their blessings by ModelGate itself."""

import json
from pathlib import Path
from typing import Any

from pipelines import startup

startup.prepare()

from tfx.types import standard_artifacts  # noqa: E402

from components.model_gate import component as model_gate  # noqa: E402
from trainer_modules.engine.task import overrides  # noqa: E402
from trainer_modules.engine.task.gates import AtLeast  # noqa: E402


def a_model(folder: Path, model_id: int, classes: str = "") -> standard_artifacts.Model:
    saved = folder / str(model_id) / "Format-Serving" / "saved_model.pb"
    saved.parent.mkdir(parents=True)
    saved.write_bytes(b"")
    (saved.parent / "variables").mkdir()
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (saved.parent / "variables" / name).write_bytes(b"values")
    if classes:
        (saved.parent / "assets").mkdir()
        (saved.parent / "assets/classes.txt").write_text("".join(f"{c}\n" for c in classes))
    model = standard_artifacts.Model()
    model.uri = str(folder / str(model_id))
    model.id = model_id
    return model


def gate(folder: Path, model: Any, bound: float, blessing_id: int = 0) -> Any:
    """Runs ModelGate on an accuracy of 0.9."""
    evaluation = standard_artifacts.ModelEvaluation()
    evaluation.uri = str(folder / "evaluation")
    Path(evaluation.uri).mkdir(exist_ok=True)
    report = {"metrics": {"accuracy": 0.9}, "per_class": {}, "slices": {}, "baseline": None}
    Path(evaluation.uri, "report.json").write_text(json.dumps(report))
    baseline = {"used": True, "reason": "", "uri": "/models/before"}
    Path(evaluation.uri, "baseline.json").write_text(json.dumps(baseline))
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(folder / f"blessing{blessing_id}")
    blessing.id = blessing_id
    model_gate.Executor().Do(
        {"evaluation": [evaluation], "model": [model]},
        {"blessing": [blessing]},
        {"gates": overrides.to_json((AtLeast("accuracy", bound),))},
    )
    return blessing
