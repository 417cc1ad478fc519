"""Evaluator's configuration: split, batch size, metrics and slices, all from the task."""

import json
from collections.abc import Sequence

import tensorflow_model_analysis as tfma

from components.evaluator.comparability import SIGNATURE
from components.evaluator.outcomes import BASELINE, CANDIDATE
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import KINDS, Problem
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.task import Task

# By name, as TFMA stores it: who only asks for the split does not depend on how it is judged.
_METRIC, _METRIC_MODULE = "Report", "components.evaluator.metrics"
# Decoded float values of one batch; the network's activations take several times as much.
_BATCH_VALUES = 16_000_000


def evaluation_split(splits: list[str]) -> str:
    """Returns the split to evaluate on: `judged` if there is one, else `test`, else `eval`.

    ExampleGen makes `judged` where the examples to evaluate on are another selection than a split.

    Raises:
      BadInputError: If there is none of them.
    """
    for name in ("judged", "test", "eval"):
        if name in splits:
            return name
    raise BadInputError(
        "There is nothing to evaluate on: the examples must have a split called test or eval. "
        f"Found: {', '.join(splits) or 'none'}."
    )


def evaluation_batch(task: Task) -> int:
    """Returns how many examples go through the model at once, within 1..512."""
    return max(1, min(512, _BATCH_VALUES // task.input.values))


def eval_config(task: Task) -> tfma.EvalConfig:
    """Returns TFMA's configuration for `task`, with a baseline and without thresholds."""
    model = {
        "signature_name": SIGNATURE,
        "label_key": task.problem.raw_label,
        "model_type": tfma.TF_GENERIC,
    }
    settings = {"problem": serialisation.to_plain(task.problem)}
    metric = tfma.MetricConfig(
        class_name=_METRIC,
        module=_METRIC_MODULE,
        config=json.dumps(settings, ensure_ascii=False),
    )
    config = tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(name=CANDIDATE, **model),
            tfma.ModelSpec(name=BASELINE, is_baseline=True, **model),
        ],
        metrics_specs=[tfma.MetricsSpec(metrics=[metric])],
        slicing_specs=[
            tfma.SlicingSpec(),
            *(tfma.SlicingSpec(feature_keys=[feature]) for feature in task.slices),
        ],
    )
    config.options.include_default_metrics.value = False
    return config


def stored_problem(config: tfma.EvalConfig) -> Problem:
    """Returns the problem that a configuration evaluates, this version's or an earlier one's.

    Raises:
      ValueError: If no kind of problem knows the metric.
    """
    metric = config.metrics_specs[0].metrics[0]
    settings = json.loads(metric.config)
    if "problem" in settings:
        problem: Problem = serialisation.from_plain(settings["problem"])
        return problem
    for kind in KINDS:
        if earlier := kind.of_metric(metric.class_name, settings):
            return earlier
    raise ValueError(f"a metric must be one that a kind knows. Received: {metric.class_name}")


def with_former_classes(config: tfma.EvalConfig, former: Sequence[str]) -> None:
    """Passes the baseline's classes to the metrics where they differ from the candidate's.

    Args:
      config: What `eval_config` returned; changed in place.
      former: The baseline's classes in their order; () where they are the candidate's.
    """
    if not former:
        return
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            told = {"former": list(former), "former_of": BASELINE}
            metric.config = json.dumps(json.loads(metric.config) | told, ensure_ascii=False)
