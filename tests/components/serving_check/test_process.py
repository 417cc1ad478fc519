"""The checking process: what it refuses, by which check, and how it compares numbers."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.serving_check.process import CheckFailedError, _Checker
from tests.components.serving_check.tiny import TASK, check_model
from trainer_modules.engine import tensorflow_alone
from trainer_modules.engine.problems import MultiLabel
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.task import Serving


@pytest.mark.usefixtures("tfx_ready")
def test_another_answer_than_evaluators_is_named(model: str, examples: Any, truth: Any) -> None:
    wrong = truth | {"2.png": truth["2.png"] | {"score": truth["2.png"]["score"] + 1e-3}}
    found = check_model(model, examples, wrong)
    assert not found["passed"]
    assert found["reason"].startswith("the same as Evaluator: `score` of 2.png differs by 0.001")


@pytest.mark.usefixtures("tfx_ready")
def test_too_slow_a_model_is_refused(model: str, examples: Any, truth: Any) -> None:
    found = check_model(model, examples, truth, max_latency_ms=1e-6)
    assert not found["passed"] and "above the ceiling of 1e-06 ms" in found["reason"]


@pytest.mark.usefixtures("tfx_ready")
def test_a_signature_other_than_promised_is_refused(model: str, examples: Any) -> None:
    found = check_model(model, examples, {}, outputs={"mask_png": ("string", ())})
    assert not found["passed"] and found["reason"].startswith("signature:")


@pytest.mark.usefixtures("tfx_ready")
def test_a_model_that_answers_junk_is_refused(tmp_path: Path, examples: Any) -> None:
    import tensorflow as tf

    class Careless(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
        def serve(self, image_bytes: Any) -> dict[str, Any]:
            count = tf.shape(image_bytes)[0]
            return {
                "probabilities": tf.tile([[1.0, 0.0, 0.0]], (count, 1)),
                "label": tf.fill([count], "dark"),
                "score": tf.ones([count]),
            }

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def of_examples(self, examples: Any) -> dict[str, Any]:
            return self.serve(examples)

    module = Careless()
    signatures = {"serving_default": module.serve, "examples": module.of_examples}
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signatures)
    found = check_model(str(tmp_path / "m"), examples, {})
    assert not found["passed"]
    assert found["reason"].startswith("junk: no image") and "instead of an error" in found["reason"]


@pytest.mark.usefixtures("tfx_ready")
def test_sets_of_labels_are_checked_against_their_scores(tmp_path: Path, examples: Any) -> None:
    import tf_keras

    from components.serving_check import component as serving_check

    problem = MultiLabel(classes=("1", "10", "b"), thresholds=(0.5, 0.3, 0.52))
    task = dataclasses.replace(TASK, problem=problem)
    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((6, 5, 3), dtype="uint8")
    outputs = tf_keras.layers.Flatten()(tf_keras.layers.Rescaling(1 / 255)(inputs))
    for layer in problem.output_layers():
        outputs = layer(outputs)
    serving.save(tf_keras.Model(inputs, outputs), task, str(tmp_path / "saved"))
    good = serving_check.request(
        str(tmp_path / "saved"), examples, {}, task.input, problem, Serving()
    )
    found = serving_check.check(good)
    assert found["passed"], found["reason"]
    found = serving_check.check(good | {"classes": ["b", "10", "1"]})
    assert not found["passed"] and "the classes with a score" in found["reason"]
    expected = good | {"expected": [{"labels": "nothing"}] + [{}] * 3}
    found = serving_check.check(expected)
    assert found["reason"].startswith("the same as Evaluator: `labels` of 0.png")


def test_the_process_has_tensorflow_alone(tmp_path: Path) -> None:
    engine = str(Path(tensorflow_alone.__file__).parent)
    program = (
        f"import sys; sys.path.insert(0, {engine!r}); import tensorflow_alone as t; t.refuse()\n"
        "import tensorflow as tf; print(float(tf.constant(2.0) * 3))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {*t.BESIDE_TENSORFLOW}))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["6.0", "[]"], done.stderr


@pytest.mark.parametrize(("gap", "same"), [(0.0, True), (0.05, True), (20.0, False)])
def test_a_number_near_zero_is_compared_in_the_scale_of_the_others(gap: float, same: bool) -> None:
    """Heights in millimetres around sea level: float32 leaves 0.05 of a million's digits."""
    request = {"tolerance": 1e-5, "ids": ["peak", "shore"], "inputs": {"image_bytes": ["", ""]}}
    checker = _Checker(request, {})
    checker._outputs = {"value": np.array([1e6, 0.0], np.float32)}

    def compare() -> None:
        checker._compare("value", np.float32(gap), np.float32(0.0), 1, "in a batch")

    if same:
        compare()
        return
    with pytest.raises(CheckFailedError, match="`value` of shore differs by 20"):
        compare()
