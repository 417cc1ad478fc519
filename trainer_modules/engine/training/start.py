"""Trains from where a run asked to start: from scratch, from the champion, or from both.

What it started from, and why, is part of the history (`start`):

    {"asked": "both", "from": "champion", "model": "…/Trainer/model/7", "version": null,
     "reason": "", "added": ["43"], "removed": [], "examples": "",
     "compared": {"metric": "accuracy", "scratch": 0.951, "champion": 0.957}}

A champion that the network cannot go on from is no reason to end a night without a model: the
training starts from scratch, and `reason` says why.
"""

import json
import logging
import os
from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.custom_config import BOTH, CHAMPION, SCRATCH
from trainer_modules.engine.saved_model import assets
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training import champion as champions
from trainer_modules.engine.training import resume, training
from trainer_modules.engine.training.champion import CannotContinueError, Champion
from trainer_modules.engine.training.history import Trained

_log = logging.getLogger("tfx_vision")

_WORDS = {SCRATCH: "scratch", CHAMPION: "the last model"}

CHOSEN_FILE = "champion.json"
"""Beside a copied champion: its `version` and this run's `examples`, as the copying step knew them.
"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a run asked its training to start.

    Attributes:
      asked: `scratch`, `champion` or `both`.
      model: The champion's SavedModel; "" where there is none.
    """

    asked: str = SCRATCH
    model: str = ""

    def folders(self, folder: str | None) -> dict[str, str | None]:
        """Returns where each training keeps its own part of what is kept in `folder`."""
        if folder is None or self.asked != BOTH:
            return dict.fromkeys((SCRATCH, CHAMPION), folder)
        return {name: os.path.join(folder, name) for name in (SCRATCH, CHAMPION)}

    def about(self) -> dict[str, Any]:
        """Returns what the history says before it is known how the start went."""
        folder = os.path.dirname(self.model) if _is_part(self.model) else self.model
        text = assets.text(os.path.join(folder, CHOSEN_FILE)) if folder else None
        copied = json.loads(text or "{}")
        return {
            "asked": self.asked,
            "from": self.asked,
            "model": (copied.get("version") or folder) or None,
            "version": _number(copied.get("version", "")),
            "reason": "",
            "added": (),
            "removed": (),
            "examples": copied.get("examples", ""),
            "compared": {},
        }

    def forget(self, checkpoint_dir: str) -> None:
        """Removes the states of finished trainings."""
        for folder in {*self.folders(checkpoint_dir).values(), checkpoint_dir}:
            resume.forget(str(folder))


def _is_part(model: str) -> bool:
    """Says whether a SavedModel lies in a Model artifact, under the name that TFX gives it."""
    return os.path.basename(model) == "Format-Serving"


def _number(version: str) -> str | None:
    name = os.path.basename(version.rstrip("/"))
    return name if name.isdigit() else None


def train(
    task: Recipe, start: Start, *, log_dir: str, checkpoint_dir: str | None, **given: Any
) -> Trained:
    """Trains `task` from where it was asked; of two trainings, returns the better one.

    Args:
      task: The recipe, settings applied, its classes known and its problem fitted.
      start: Where to start.
      log_dir: As in `training.train`; two trainings have a folder each in it.
      checkpoint_dir: Likewise.
      **given: Further arguments of `training.train`.
    """
    logs, states = start.folders(log_dir), start.folders(checkpoint_dir)

    def trained(name: str, champion: Champion | None = None) -> Trained:
        return training.train(
            task,
            champion=champion,
            scored=start.asked == BOTH,
            log_dir=str(logs[name]),
            checkpoint_dir=states[name],
            **given,
        )

    if start.asked == SCRATCH:
        return trained(SCRATCH)
    about = start.about()
    try:
        champion = champions.find(task, start.model)
        _log.info("starting from the last model%s: %s", _changes(champion), about["model"])
        warm = trained(CHAMPION, champion)
    except CannotContinueError as error:
        _log.warning("starting from scratch: %s", error)
        return _noted(trained(SCRATCH), about | {"from": SCRATCH, "reason": str(error)})
    about |= {"from": CHAMPION, "added": champion.added, "removed": champion.removed}
    if start.asked == CHAMPION:
        return _noted(warm, about)
    _log.info("training once more from scratch, to compare")
    return _better(task, {CHAMPION: warm, SCRATCH: trained(SCRATCH)}, about)


def _changes(champion: Champion) -> str:
    changes = (("new classes", champion.added), ("vanished classes", champion.removed))
    said = [f"{words}: {', '.join(names)}" for words, names in changes if names]
    return f" ({'; '.join(said)})" if said else ""


def _better(task: Recipe, trained: dict[str, Trained], about: dict[str, Any]) -> Trained:
    """Returns the training with the better score; of equals the champion's, which changes less."""
    scores = {name: result.score for name, result in trained.items()}
    sign = -1 if task.problem.monitor_is_error else 1
    # `max` keeps the first of equals.
    chosen = max(trained, key=lambda name: sign * scores[name])
    metric = task.problem.monitor
    said = ", ".join(f"{scores[name]:.4g} from {words}" for name, words in _WORDS.items())
    _log.info("validation %s: %s; going on with the model from %s", metric, said, _WORDS[chosen])
    return _noted(
        trained[chosen], about | {"from": chosen, "compared": {"metric": metric, **scores}}
    )


def _noted(trained: Trained, about: dict[str, Any]) -> Trained:
    trained.history["start"] = about
    return trained
