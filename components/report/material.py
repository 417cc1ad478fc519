"""The contents of a report in plain form; a part that cannot be read has a reason instead."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.model_gate import gate_outcome
from components.report import storage
from components.report.pictures import Sheet
from components.report.statistics import Statistics
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task import overrides

_log = logging.getLogger(__name__)
# Rejected files that the page lists; the artifact has them all.
LISTED = 200


@dataclass(kw_only=True)
class Material:
    """The contents of one run's report.

    Attributes:
      task: The task as `overrides.to_plain` writes it.
      title: The name of the runs, if it is not the task's name.
      evaluation: Evaluator's `report.json`.
      gates: ModelGate's `gates.json`.
      serving: ServingCheck's `check.json`; {} where nothing was checked.
      history: Trainer's `history.json`.
      model_summary: Keras' summary of the network.
      ingestion: ImageExampleGen's `summary.json`.
      rejected: The first of the rejected examples, `id` and `reason` each.
      drift: DriftCheck's `drift.json`; {} where nothing was checked.
      drift_plots: DriftCheck's `plots.json`.
      statistics: What TFDV counted, see `components/report/statistics`.
      previous_statistics: The same for the previous data; None if there is none.
      pictures: Example id → picture as a `data:` URI.
      samples: Training images as the model sees them; None where there are no images.
      masks: Examples of a segmentation: `id` and `data:` URIs of `image`, `truth` (where it is
        known), `predicted`, `overlay`, and `maps` by class.
      answers: If nothing was trained: `id`, `picture` and `names` of some images.
      drawn_from: How many images `answers` or `masks` were drawn from, where nothing was trained.
      fitted: A regression's predictions, see `components/report/fitted`.
      lineage: The model's origins: (name, value) pairs in order.
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
    drift: dict[str, Any] = field(default_factory=dict)
    drift_plots: dict[str, Any] = field(default_factory=dict)
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
        """The model's name: `--name`, or the task's name."""
        return self.title or str(self.task.get("name", ""))

    @property
    def trained(self) -> bool:
        """Whether the run trained and evaluated a model; otherwise it exported one unchanged."""
        return bool(self.task.get("phases", True))

    @property
    def display(self) -> dict[str, str]:
        """Class name → display name, for the classes that have one."""
        return dict(self.task.get("display", {}).get("names", []))

    @property
    def problem(self) -> Problem:
        """What was learnt."""
        stored: Problem = overrides.from_plain(self.task["problem"])
        return stored

    def shows(self, section: str) -> bool:
        """Says whether a section that only some kinds of problem have applies to the evaluation."""
        return bool(self.evaluation.get("details")) and section in self.problem.shown.sections

    @property
    def has_images(self) -> bool:
        """Whether the examples are images, and not rows of a table."""
        given = self.task.get("input")
        return given is not None and bool(overrides.from_plain(given).pictured)

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the model's outputs; [] where there are none."""
        names: list[str] = self.evaluation.get("details", {}).get("classes", [])
        return names

    @property
    def blessed(self) -> bool:
        """Whether no gate failed and the model serves; False if this is unknown."""
        if "gates" in self.problems or "serving" in self.problems:
            return False
        return not gate_outcome.refused(self.gates) and bool(self.serving.get("passed", True))

    @property
    def now(self) -> dict[str, Any]:
        """The part of the evaluation that can be compared with the baseline's figures.

        The whole evaluation, or the model's on the examples of the shared classes.
        """
        evaluation: dict[str, Any] = self.evaluation.get("shared") or self.evaluation
        return evaluation

    def fill(self, part: str, make: Callable[[], Any]) -> None:
        """Sets a part, or notes why it is unavailable: a faulty report must not cost a model."""
        self.attempt(part, lambda: setattr(self, part, make()))

    def attempt(self, part: str, make: Callable[[], None]) -> None:
        """Runs a function that sets a part, with the same handling of errors."""
        try:
            make()
        except Exception as error:
            _log.exception("the report's %s could not be created", part)
            self.problems[part] = f"{type(error).__name__}: {error}"


def read(task: dict[str, Any], folders: Mapping[str, str]) -> Material:
    """Reads the small files of a run.

    Args:
      task: The task as `overrides.to_plain` writes it.
      folders: URIs of those of the artifacts `evaluation`, `blessing`, `model_run`, `rejected`,
        `drift` and `serving_check` that the run has.

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
    fill("drift", "drift", "drift.json", storage.read_json)
    fill("drift_plots", "drift", "plots.json", storage.read_json)
    fill(
        "rejected",
        "rejected",
        "rejected.jsonl",
        lambda path: storage.read_json_lines(path, LISTED),
    )
    return material
