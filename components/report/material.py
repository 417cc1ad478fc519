"""Everything a report is drawn from, in plain form; a part that cannot be read says why."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components import gate_outcome
from components.report import storage
from components.report.pictures import Sheet
from components.report.statistics import Statistics

_log = logging.getLogger(__name__)
# Rejected files that the page lists; the artifact has them all.
LISTED = 200


@dataclass(kw_only=True)
class Material:
    """What is known about a run.

    Attributes:
      task: The task as `overrides.to_plain` writes it.
      title: What the runs are filed under, where that is not the task's name.
      evaluation: Evaluator's `report.json`.
      gates: ModelGate's `gates.json`.
      serving: ServingCheck's `check.json`; {} where nothing was checked.
      history: Trainer's `history.json`.
      model_summary: Keras' summary of the network.
      ingestion: ImageExampleGen's `summary.json`.
      rejected: The first of the rejected examples, `id` and `reason` each.
      statistics: What TFDV counted, see `components/report/statistics`.
      previous_statistics: The same of the data before; None where there is none.
      pictures: Example id → picture as a `data:` URI.
      samples: Training images as the model sees them; None where there are no images.
      masks: Examples of a segmentation: `id` and `data:` URIs of `image`, `truth` (where it is
        known), `predicted`, `overlay`, and `maps` by class.
      answers: Where nothing was trained: `id`, `picture` and `names` of some images.
      drawn_from: How many images `answers` or `masks` were drawn from, where nothing was trained.
      fitted: What a regression's model answers, see `components/report/fitted`.
      lineage: What the model was made of: (name, value) pairs in order.
      problems: Part (a name of these attributes) → why it could not be read or made.
    """

    task: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    evaluation: dict[str, Any] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    serving: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict)
    model_summary: str = ""
    ingestion: dict[str, Any] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    statistics: Statistics = field(default_factory=dict)
    previous_statistics: Statistics | None = None
    pictures: dict[str, str] = field(default_factory=dict)
    samples: Sheet | None = None
    masks: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    drawn_from: int = 0
    fitted: dict[str, Any] = field(default_factory=dict)
    lineage: list[tuple[str, str]] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the model is called: `--name`, or the task's name."""
        return self.title or str(self.task.get("name", ""))

    @property
    def trained(self) -> bool:
        """Whether the run trained and judged a model; otherwise it exported one as it came."""
        return bool(self.task.get("phases", True))

    @property
    def display(self) -> dict[str, str]:
        """Class name → what people call it, for the classes that have such a name."""
        return dict(self.task.get("display", {}).get("names", []))

    @property
    def kind(self) -> str:
        """`classification`, `regression` or `segmentation`."""
        return str(self.evaluation.get("details", {}).get("kind", ""))

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the model's outputs; [] where there are none."""
        found: list[str] = self.evaluation.get("details", {}).get("classes", [])
        return found

    @property
    def blessed(self) -> bool:
        """Whether no gate refused and the model serves; False where nobody can tell."""
        if "gates" in self.problems or "serving" in self.problems:
            return False
        return not gate_outcome.refused(self.gates) and bool(self.serving.get("passed", True))

    @property
    def now(self) -> dict[str, Any]:
        """The part of the evaluation that the baseline's figures may be put beside.

        All of it, or the model on the examples of the classes that both know.
        """
        found: dict[str, Any] = self.evaluation.get("shared") or self.evaluation
        return found

    def fill(self, part: str, make: Callable[[], Any]) -> None:
        """Sets a part, or notes why it cannot be had: a report must not lose a model."""
        self.attempt(part, lambda: setattr(self, part, make()))

    def attempt(self, part: str, make: Callable[[], None]) -> None:
        """Runs what sets a part, likewise."""
        try:
            make()
        except Exception as error:
            _log.exception("the report's %s could not be created", part)
            self.problems[part] = f"{type(error).__name__}: {error}"


def read(task: dict[str, Any], folders: Mapping[str, str]) -> Material:
    """Reads the small files of a run.

    Args:
      task: The task as `overrides.to_plain` writes it.
      folders: URIs of those of the artifacts `evaluation`, `blessing`, `model_run`, `rejected`
        and `serving_check` that the run has.

    Returns:
      The material, without pictures, statistics and lineage.
    """
    material = Material(task=task)

    def fill(part: str, folder: str, name: str, load: Callable[[str], Any]) -> None:
        if folder in folders:
            material.fill(part, lambda: load(os.path.join(folders[folder], name)))

    fill("evaluation", "evaluation", "report.json", storage.read_json)
    fill("gates", "blessing", "gates.json", storage.read_json)
    fill("serving", "serving_check", "check.json", storage.read_json)
    fill("history", "model_run", "history.json", storage.read_json)
    fill("model_summary", "model_run", "model_summary.txt", storage.read_text)
    fill("ingestion", "rejected", "summary.json", storage.read_json)
    fill(
        "rejected",
        "rejected",
        "rejected.jsonl",
        lambda path: storage.read_json_lines(path, LISTED),
    )
    return material
