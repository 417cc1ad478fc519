"""`MODEL_CARD.md`: a summary for users of the model, from the report's own numbers.

The form is a shortened one of Mitchell et al., "Model Cards for Model Reporting" (2019).
"""

import logging
import os
import re
from typing import Any

import jinja2

from components.model_gate import gate_outcome
from components.report import classes, figures, provenance, storage, training
from components.report.material import Material
from trainer_modules.engine.problems import vocabulary

_log = logging.getLogger(__name__)
CARD = "MODEL_CARD.md"
_FOLDER = os.path.join(os.path.dirname(__file__), "templates")
_WEAK, _PAIRS = 3, 3


def cell(text: Any) -> str:
    """Returns text that Markdown shows literally, on one line: no markup, no HTML, no columns."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", line)


def render(material: Material) -> str:
    """Returns the card without the parts that are unknown."""
    evaluation = material.evaluation
    per_class = evaluation.get("per_class") or {}
    first: dict[str, float] = next(iter(per_class.values()), {})
    text = (
        _templates()
        .get_template("model_card.md.jinja")
        .render(
            name=cell(material.name),
            blessed=material.blessed,
            gates=[
                {**gate, "status": gate_outcome.status_of(gate).replace("_", " ")}
                for gate in material.gates
            ],
            counted=gate_outcome.counted(material.gates),
            baseline=cell(evaluation.get("baseline_reason", "")),
            facts=material.lineage or provenance.describe(material.task, {}, ""),
            counts=material.ingestion.get("counts", {}),
            rejected=_rejected(material),
            started=cell(training.started(material.history)),
            examples=evaluation.get("metrics", {}).get("example_count"),
            splits=evaluation.get("splits", []),
            metrics=evaluation.get("metrics", {}),
            # A baseline of other classes was measured on other examples than these figures.
            before={}
            if evaluation.get("shared")
            else (evaluation.get("baseline") or {}).get("metrics", {}),
            per_class={_both(material, name): row for name, row in per_class.items()},
            columns=classes.columns(first) if first else [],
            limits=limits(material),
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _exported(material: Material) -> str:
    """Returns the card of a network that was neither trained nor evaluated."""
    text = (
        _templates()
        .get_template("exported_card.md.jinja")
        .render(
            name=cell(material.name),
            facts=material.lineage or provenance.describe(material.task, {}, ""),
        )
    )
    return text.strip() + "\n"


def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters.update(figures.FILTERS)
    templates.filters["cell"] = cell
    return templates


def written(material: Material) -> str:
    """Returns the card, or a card that says why it could not be written."""
    try:
        return render(material) if material.trained else _exported(material)
    except Exception as error:
        _log.exception("the model card could not be written")
        return f"# Model card: {cell(material.name)}\n\nIt could not be written: {cell(error)}\n"


def _rejected(material: Material) -> str:
    if not material.ingestion:
        return ""
    count = material.ingestion.get("rejected", 0)
    return f"{count:,} files or rows were rejected." if count else "Nothing was rejected."


def limits(material: Material) -> list[str]:
    """Returns sentences on where the model is weak: classes, confusions, confidence."""
    sentences = []
    per_class = material.evaluation.get("per_class") or {}
    judged = {name: row for name, row in per_class.items() if row["support"]}
    if judged:
        score = vocabulary.of_class(next(iter(judged.values()))).score
        weak = sorted(judged, key=lambda name: judged[name][score])[:_WEAK]
        listed = ", ".join(f"{_both(material, name)} ({judged[name][score]:.2f})" for name in weak)
        sentences.append(f"The classes with the lowest {figures.words(score)}: {listed}.")
    empty = [name for name in per_class if name not in judged]
    if empty:
        listed = ", ".join(_both(material, name) for name in empty)
        sentences.append(f"Not evaluated, because the split has no examples of them: {listed}.")
    confusion = classes.confusion(material)
    if confusion and confusion["pairs"]:
        pairs = "; ".join(
            f"{_both(material, p['true'])} mistaken for {_both(material, p['predicted'])} "
            f"({p['fraction']:.1%})"
            for p in confusion["pairs"][:_PAIRS]
        )
        sentences.append(f"Most often confused: {pairs}.")
    sentences += _worst_range(material)
    error = material.evaluation.get("metrics", {}).get("expected_calibration_error")
    if error is not None:
        sentences.append(f" Its confidence differs from its accuracy by {error:.1%} on average.")
    return sentences


def _worst_range(material: Material) -> list[str]:
    """Returns a sentence on the range of a regression's target with the largest errors."""
    deciles = material.evaluation.get("details", {}).get("deciles") or []
    if len(deciles) < 2:
        return []
    worst = max(deciles, key=lambda part: float(part["mae"]))
    problem = material.task["problem"]
    unit = f" {cell(problem['unit'])}" if problem.get("unit") else ""
    overall = material.evaluation["metrics"]["mae"]
    low, high, mae = (figures.number(worst[key]) for key in ("from", "to", "mae"))
    return [
        f"The largest errors are where {cell(problem['target'])} is between {low} and "
        f"{high}{unit}: MAE {mae}{unit}, overall {figures.number(overall)}{unit}."
    ]


def _both(material: Material, label: str) -> str:
    """Returns a class's display name, with its real name if that differs."""
    shown = material.display.get(label, label)
    return shown if shown == label else f"{shown} [{label}]"


def place_card(report_uri: str, pushed_destination: str) -> str | None:
    """Copies the card beside a pushed model; servers ignore further files in a version's folder.

    Args:
      report_uri: Report's artifact.
      pushed_destination: The folder of the pushed version.

    Returns:
      The card's path; None where there is no card.
    """
    source = os.path.join(report_uri, CARD)
    if not pushed_destination or not storage.exists(source):
        return None
    target = os.path.join(pushed_destination, CARD)
    storage.write_bytes(target, storage.read_bytes(source))
    return target
