"""What ServingCheck asks the process for, and what becomes of its answer."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.components.serving_check.tiny import TASK, check_model, png
from trainer_modules.engine.task.task import Serving

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_a_good_model_passes_every_check(model: str, examples: Any, truth: Any) -> None:
    found = check_model(model, examples, truth, max_latency_ms=60_000)
    assert found["passed"], found["reason"]
    assert [c["name"] for c in found["checks"]][-2:] == ["junk", "latency"]
    assert 0 < found["latency_ms"]["median"] <= found["latency_ms"]["p95"]


def test_what_is_no_model_is_a_reason_not_an_exception(tmp_path: Path, examples: Any) -> None:
    found = check_model(str(tmp_path), examples, {})
    assert not found["passed"] and found["reason"].startswith("loading:")


def test_report_and_examples_meet_by_id(tmp_path: Path, examples: Any) -> None:
    import tensorflow as tf

    from components.serving_check import component as serving_check

    file = str(tmp_path / "examples.gz")
    with tf.io.TFRecordWriter(file, "GZIP") as writer:
        for serialized in examples.values():
            writer.write(serialized)
    report = {
        "details": {
            "right": [{"id": "3.png", "true": "dark", "predicted": "dark", "probability": 0.5}],
            "wrong": [],
        }
    }
    expected = serving_check.evaluated(report, TASK.problem.served_outputs)
    assert expected == {"3.png": {"label": "dark", "score": 0.5}}
    chosen = serving_check.sample([file], expected, 2)
    assert list(chosen) == ["3.png", "0.png"]
    asked = serving_check.request("m", chosen, expected, TASK.input, TASK.problem, Serving())
    assert base64.b64decode(asked["inputs"]["image_bytes"][0]["b64"]) == png(3)
    assert asked["expected"] == [{"label": "dark", "score": 0.5}, {}]


def test_generated_images_serve_where_there_is_no_data(model: str) -> None:
    from components.serving_check import component as serving_check

    images = TASK.input.generated(5)
    assert len(images) == 5 and images == TASK.input.generated(5)
    asked = serving_check.request(model, images, {}, TASK.input, TASK.problem, TASK.serving)
    assert serving_check.check(asked)["passed"]
