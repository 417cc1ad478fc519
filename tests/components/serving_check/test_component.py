import base64
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Serving, Task

pytestmark = pytest.mark.usefixtures("tfx_ready")

TASK = Task(
    name="tiny",
    source=ImageFolders(),
    problem=Classification(classes=("dark", "grey", "light")),
    input=Images(height=6, width=5, channels=3),
    model=Network(),
    phases=(Phase(epochs=1),),
)


def _png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (9, 8, 3), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(1)
    network = tf_keras.Sequential(
        [
            layers.Input((6, 5, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )
    folder = tmp_path_factory.mktemp("model") / "saved"
    serving.save(network, TASK, str(folder))
    return str(folder)


@pytest.fixture(scope="module")
def examples() -> dict[str, bytes]:
    import tensorflow as tf

    found = {}
    for i in range(4):
        feature = {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for name, value in (("image", _png(i)), ("id", f"{i}.png".encode()))
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        found[f"{i}.png"] = example.SerializeToString()
    return found


@pytest.fixture(scope="module")
def truth(model: str, examples: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """What this process, with Keras and TFX loaded, gets for the same examples."""
    import tensorflow as tf

    loaded = tf.saved_model.load(model)
    outputs = loaded.signatures["serving_default"](tf.constant([_png(i) for i in range(4)]))
    return {
        name: {"label": label.decode(), "score": float(score)}
        for name, label, score in zip(
            examples, outputs["label"].numpy(), outputs["score"].numpy(), strict=True
        )
    }


def _check(model: str, examples: Any, expected: Any, **changes: Any) -> dict[str, Any]:
    from components.serving_check import component as serving_check

    asked = serving_check.request(model, examples, expected, TASK.input, TASK.problem, Serving())
    return serving_check.check(asked | changes)


def test_a_good_model_passes_every_check(model: str, examples: Any, truth: Any) -> None:
    found = _check(model, examples, truth, max_latency_ms=60_000)
    assert found["passed"], found["reason"]
    assert [c["name"] for c in found["checks"]][-2:] == ["junk", "latency"]
    assert 0 < found["latency_ms"]["median"] <= found["latency_ms"]["p95"]


def test_another_answer_than_evaluators_is_named(model: str, examples: Any, truth: Any) -> None:
    wrong = truth | {"2.png": truth["2.png"] | {"score": truth["2.png"]["score"] + 1e-3}}
    found = _check(model, examples, wrong)
    assert not found["passed"]
    assert found["reason"].startswith("the same as Evaluator: `score` of 2.png differs by 0.001")


def test_too_slow_a_model_is_refused(model: str, examples: Any, truth: Any) -> None:
    found = _check(model, examples, truth, max_latency_ms=1e-6)
    assert not found["passed"] and "above the ceiling of 1e-06 ms" in found["reason"]


def test_a_signature_other_than_promised_is_refused(model: str, examples: Any) -> None:
    found = _check(model, examples, {}, outputs={"mask_png": ("string", ())})
    assert not found["passed"] and found["reason"].startswith("signature:")


def test_what_is_no_model_is_a_reason_not_an_exception(tmp_path: Path, examples: Any) -> None:
    found = _check(str(tmp_path), examples, {})
    assert not found["passed"] and found["reason"].startswith("loading:")


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
    found = _check(str(tmp_path / "m"), examples, {})
    assert not found["passed"]
    assert found["reason"].startswith("junk: no image") and "instead of an error" in found["reason"]


def test_the_process_has_tensorflow_alone(tmp_path: Path) -> None:
    import subprocess
    import sys

    from trainer_modules.engine import tensorflow_alone

    engine = str(Path(tensorflow_alone.__file__).parent)
    program = (
        f"import sys; sys.path.insert(0, {engine!r}); import tensorflow_alone as t; t.refuse()\n"
        "import tensorflow as tf; print(float(tf.constant(2.0) * 3))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {*t.BESIDE_TENSORFLOW}))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["6.0", "[]"], done.stderr


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
    assert base64.b64decode(asked["inputs"]["image_bytes"][0]["b64"]) == _png(3)
    assert asked["expected"] == [{"label": "dark", "score": 0.5}, {}]


def test_generated_images_serve_where_there_is_no_data(model: str) -> None:
    from components.serving_check import component as serving_check

    images = TASK.input.generated(5)
    assert len(images) == 5 and images == TASK.input.generated(5)
    asked = serving_check.request(model, images, {}, TASK.input, TASK.problem, TASK.serving)
    assert serving_check.check(asked)["passed"]


def test_sets_of_labels_are_checked_against_their_scores(tmp_path: Path, examples: Any) -> None:
    import tf_keras

    from components.serving_check import component as serving_check
    from trainer_modules.engine.problems import MultiLabel

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
