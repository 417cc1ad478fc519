"""The TFMA metric: what compiled jobs of earlier versions name, and what no kind knows."""

import json
from typing import Any

import pytest

CLASSES = ["cat", "dog"]
STORED = [
    # As they were compiled into jobs while each kind had a metric of its own.
    ("ClassReport", {"classes": CLASSES}, ("Classification", "classes", CLASSES)),
    ("RegressionReport", {}, ("Regression", "unit", "")),
    ("MaskReport", {"classes": CLASSES, "void": 11}, ("Segmentation", "void", 11)),
    (
        "MaskReport",
        {"classes": CLASSES, "void": None, "colours": [[0, 0, 0], [1, 2, 3]]},
        ("Segmentation", "colours", [[0, 0, 0], [1, 2, 3]]),
    ),
]


def instance(name: str, config: dict[str, Any]) -> Any:
    from tensorflow_model_analysis.metrics import metric_specs
    from tensorflow_model_analysis.proto import config_pb2

    stored = config_pb2.MetricConfig(
        class_name=name, module="components.evaluator.metrics", config=json.dumps(config)
    )
    return metric_specs.metric_instance(stored)


@pytest.mark.parametrize(("name", "config", "expected"), STORED)
def test_a_metric_of_an_earlier_version_is_read(
    tfx_ready: None, name: str, config: dict[str, Any], expected: tuple[str, str, Any]
) -> None:
    metric = instance(name, config)
    kind, field, value = expected
    problem = metric.get_config()["problem"]
    assert (problem["type"], problem[field]) == (kind, value)
    assert [c.keys[0].name for c in metric.computations(model_names=[""])] == ["report"]


def test_a_baseline_of_other_classes_is_read_too(tfx_ready: None) -> None:
    told = {"classes": CLASSES, "former": ["cat"], "former_of": "baseline"}
    metric = instance("ClassReport", told)
    computations = metric.computations(model_names=["candidate", "baseline"])
    names = [(c.keys[0].name, c.keys[0].model_name) for c in computations]
    assert names == [
        ("report", "candidate"),
        ("report", "baseline"),
        ("shared/report", "candidate"),
    ]


def test_a_metric_that_no_kind_knows_is_refused(tfx_ready: None) -> None:
    with pytest.raises(ValueError, match="one that a kind of problem knows. Received: OddReport"):
        instance("OddReport", {})
