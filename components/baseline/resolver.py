"""Chooses the baseline of a new model: the last blessed model of the same classes, never itself."""

import logging
from collections.abc import Iterator
from typing import Any

from tfx.components.evaluator import constants
from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy
from tfx.utils import path_utils

from components.pusher import served, served_versions
from trainer_modules.engine.saved_model import assets, versions

_MODEL_ID = constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
_log = logging.getLogger("tfx_vision")


class BaselineStrategy(latest_blessed_model_strategy.LatestBlessedModelStrategy):
    """Resolves the most recently blessed model that the candidate can be compared with.

    This is the newest blessed model with the candidate's classes, otherwise the newest that shares
    a class with it, otherwise the newest of all, so that ImageEvaluator can say why it cannot be
    compared.

    TFX's own strategy also finds the candidate once it is blessed: the same command run again
    would then compare a cached model with itself, and evaluate anew. A blessed model whose files no
    longer exist is skipped in favour of the previous one. If none is left, it is resolved anyway,
    so that ImageEvaluator can report that its files are missing.

        baseline = Resolver(
            strategy_class=BaselineStrategy,
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
            candidate=trainer.outputs["model"],
            config={"serving_folder": "/runs/serving/flowers"},
        ).with_id("Baseline")
        ImageEvaluator(..., baseline_model=baseline.outputs["model"])

    Pipelines on Kubeflow and Vertex AI support only TFX's own strategies; there ImageEvaluator
    detects when both models are the same.
    """

    def __init__(self, serving_folder: str = "") -> None:
        """Makes the strategy.

        Args:
          serving_folder: Where models are pushed; those that its record calls held, refused or
            withdrawn are no baseline. "" to ask no record.
        """
        self._serving_folder = serving_folder

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[Any]]
    ) -> dict[str, list[Any]]:
        """Returns `input_dict` with at most one `model` and its `model_blessing`."""
        del store
        candidates = {artifact.id for artifact in input_dict["candidate"]}
        classes = next((_classes(artifact.uri) for artifact in input_dict["candidate"]), ())
        blessed: list[dict[str, list[Any]]] = []
        vanished = None
        for model, blessing in promoted_newest_first(input_dict, self._serving_folder):
            if model.id in candidates:
                continue
            resolved = {**input_dict, "model": [model], "model_blessing": [blessing]}
            if exists(model.uri):
                if served.classes_in_common(classes, _classes(model.uri)) == served.THE_SAME:
                    return resolved
                blessed.append(resolved)
                continue
            _log.warning("a blessed model no longer exists; trying the previous one: %s", model.uri)
            vanished = vanished or resolved
        if blessed:
            # The newest of the most similar models: `max` keeps the first of equals.
            return max(
                blessed,
                key=lambda one: served.classes_in_common(classes, _classes(one["model"][0].uri)),
            )
        return vanished or {**input_dict, "model": [], "model_blessing": []}


def promoted_newest_first(
    input_dict: dict[str, list[Any]], serving_folder: str
) -> Iterator[tuple[Any, Any]]:
    """Yields each blessed `model` with its `model_blessing`, the last blessed first.

    Models that wait for a decision, were refused or were withdrawn are left out.
    """
    passed_over = served_versions.not_promoted(serving_folder)
    models = {artifact.id: artifact for artifact in input_dict["model"]}
    for blessing in sorted(input_dict["model_blessing"], key=lambda a: a.id, reverse=True):
        model = models.get(blessing.get_int_custom_property(_MODEL_ID))
        passed = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
        if passed and model is not None and not passed_over(model.uri):
            yield model, blessing


def _classes(uri: str) -> tuple[str, ...]:
    return assets.classes(path_utils.serving_model_dir(uri))


def exists(uri: str) -> bool:
    """Says whether the SavedModel of a Model artifact is complete."""
    return not versions.missing_file(path_utils.serving_model_dir(uri))
