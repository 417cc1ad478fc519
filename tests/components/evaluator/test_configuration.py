"""What Evaluator is told: the split, the batch, the slices, and the metric that TFMA looks up."""

import dataclasses
import json

import pytest

from trainer_modules import boston_housing, digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.mark.parametrize(
    ("splits", "judged"),
    [
        (["train", "eval", "test", "unlabelled"], "test"),
        (["eval", "train"], "eval"),
        (["test"], "test"),
    ],
)
def test_the_split_to_judge_on(splits: list[str], judged: str) -> None:
    from components.evaluator.configuration import evaluation_split

    assert evaluation_split(splits) == judged


@pytest.mark.parametrize(("splits", "says"), [(["train"], "Found: train"), ([], "Found: none")])
def test_nothing_to_judge_on_is_said(splits: list[str], says: str) -> None:
    from components.evaluator.configuration import evaluation_split

    with pytest.raises(BadInputError, match=says):
        evaluation_split(splits)


def test_a_batch_of_large_images_has_fewer() -> None:
    from components.evaluator.configuration import evaluation_batch

    def of(size: int) -> int:
        settings = [f"input.height={size}", f"input.width={size}"]
        return evaluation_batch(overrides.apply(digits.TASK, settings))

    assert evaluation_batch(boston_housing.TASK) == of(8) == 512
    channels = digits.TASK.input.images("this test").channels
    assert of(1000) == 16_000_000 // (1_000_000 * channels)
    assert of(100_000) == 1


def test_tfma_itself_accepts_the_configuration_and_finds_the_metric() -> None:
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.metrics import metric_specs, metric_types

    from components.evaluator.configuration import eval_config

    task = dataclasses.replace(digits.TASK, slices=("format", "size_bucket"))
    config = eval_config(task)
    tfma.utils.verify_eval_config(config)
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [
        [],
        ["format"],
        ["size_bucket"],
    ]
    assert [(spec.name, spec.is_baseline) for spec in config.model_specs] == [
        ("candidate", False),
        ("baseline", True),
    ]
    # TFMA imports the module, makes the class with the settings, and asks for its computations.
    computations = metric_specs.to_computations(config.metrics_specs, config)
    assert any(isinstance(one, metric_types.MetricComputation) for one in computations)


def test_former_classes_are_told_only_where_they_differ() -> None:
    from components.evaluator.configuration import eval_config, with_former_classes

    same, other = eval_config(digits.TASK), eval_config(digits.TASK)
    with_former_classes(same, ())
    assert same == eval_config(digits.TASK)
    with_former_classes(other, ("9", "ä"))
    (metric,) = other.metrics_specs[0].metrics
    told = json.loads(metric.config)
    assert (told.pop("former"), told.pop("former_of")) == (["9", "ä"], "baseline")
    assert told == json.loads(same.metrics_specs[0].metrics[0].config)
