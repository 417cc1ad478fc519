"""ImageEvaluator on tiny SavedModels: TFMA, slices, splits and baselines."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from pipelines import startup

startup.prepare()

import tensorflow as tf  # noqa: E402
from tfx.types import standard_artifacts  # noqa: E402

from components.evaluator import component as evaluator  # noqa: E402
from trainer_modules.engine.errors import BadInputError  # noqa: E402
from trainer_modules.engine.problems import Classification  # noqa: E402
from trainer_modules.engine.task.sources import TFRecords  # noqa: E402
from trainer_modules.engine.task.task import Images, Network, Phase, Task  # noqa: E402

CLASSES = ("cat", "<b>dog</b>", "鳥")


def a_task(classes: tuple[str, ...] = CLASSES, slices: tuple[str, ...] = ()) -> Task:
    return Task(
        name="tiny",
        source=TFRecords(),
        problem=Classification(classes=classes),
        model=Network(),
        phases=(Phase(epochs=1),),
        input=Images(height=8, width=8, channels=1),
        slices=slices,
    )


def save_model(
    folder: Path, *, classes: tuple[str, ...] = CLASSES, power: float = 1.0, key: str = ""
) -> standard_artifacts.Model:
    """Writes a model whose `image` feature is the float32 probabilities themselves."""
    problem = Classification(classes=classes)

    class Echo(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            spec = {"image": tf.io.FixedLenFeature([], tf.string)}
            image = tf.io.parse_example(examples, spec)["image"]
            p = tf.reshape(tf.io.decode_raw(image, tf.float32), [-1, 3]) ** power
            served = problem.served(p / tf.reduce_sum(p, axis=1, keepdims=True))
            return {key + name: value for name, value in served.items()}

    saved = folder / "Format-Serving"
    asset = folder / "classes.txt"
    folder.mkdir(parents=True, exist_ok=True)
    asset.write_text("".join(f"{name}\n" for name in classes))
    module = Echo()
    module.assets = [tf.saved_model.Asset(str(asset))]
    signatures = {"examples": module.serve, "serving_default": module.serve}
    tf.saved_model.save(module, str(saved), signatures=signatures)
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def rows_of(p: np.ndarray, truth: np.ndarray, prefix: str) -> list[dict[str, Any]]:
    return [
        {
            "image": p[i].tobytes(),
            "label": CLASSES[truth[i]].encode(),
            "id": f"{prefix}/{i}".encode(),
            "format": b"PNG" if i % 3 else b"JPEG",
            "height": 20 + 30 * (i % 4),
            "width": 20,
            "brightness": float(i % 10) / 10,
        }
        for i in range(len(p))
    ]


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities on a coarse grid, so that there are ties, and true classes."""
    rng = np.random.default_rng(0)
    p = rng.integers(1, 5, size=(300, 3)).astype(np.float32)
    return p / p.sum(axis=1, keepdims=True), rng.integers(0, 3, size=300)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory, data: Any, write_examples: Any) -> Any:
    p, truth = data
    splits = {"eval": rows_of(p[:5], truth[:5], "eval"), "test": rows_of(p, truth, "test")}
    return write_examples(tmp_path_factory.mktemp("examples"), splits)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Model:
    return save_model(tmp_path_factory.mktemp("model") / "a")


@pytest.fixture(scope="module")
def compared(
    tmp_path_factory: pytest.TempPathFactory, examples: Any, model: Any, evaluate: Any
) -> Any:
    """One evaluation with slices and with a baseline that answers the other way round."""
    folder = tmp_path_factory.mktemp("compared")
    baseline = save_model(folder / "baseline", power=-1.0)
    task = a_task(slices=("format", "size_bucket", "brightness_bucket"))
    return evaluate(folder / "out", examples, model, task, baseline), folder / "out"


def test_numbers_and_slices_are_scikit_learns(compared: Any, data: Any) -> None:
    report, _ = compared
    p, truth = data
    png = np.arange(len(p)) % 3 > 0
    assert report["splits"] == ["test"]
    for found, chosen in ((report, slice(None)), (report["slices"]["format=PNG"], png)):
        expected = sk.classification_report(
            truth[chosen],
            p[chosen].argmax(axis=1),
            labels=range(3),
            target_names=CLASSES,
            output_dict=True,
            zero_division=0,
        )
        assert found["metrics"]["accuracy"] == pytest.approx(expected["accuracy"], abs=1e-6)
        for name in CLASSES:
            row = found["per_class"][name]
            assert row["support"] == expected[name]["support"]
            assert row["f1"] == pytest.approx(expected[name]["f1-score"], abs=1e-6)
    assert {"format=PNG", "format=JPEG"} < set(report["slices"])


def test_slices_by_buckets(compared: Any) -> None:
    report, _ = compared
    counts = {name: one["metrics"]["example_count"] for name, one in report["slices"].items()}
    # Heights are 20, 50, 80, 110 in turn; widths 20. Brightness is 0.0, 0.1 … 0.9 in turn.
    assert counts["size_bucket=0-63"] == 150
    assert counts["size_bucket=64-127"] == 150
    assert [counts[f"brightness_bucket={q}"] for q in ("0.00-0.25", "0.75-1.00")] == [90, 60]


def test_slicing_by_what_no_example_has_is_refused(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any
) -> None:
    with pytest.raises(BadInputError, match="did you mean 'format'"):
        evaluate(tmp_path, examples, model, a_task(slices=("fromat",)))


def test_baseline_is_judged_on_the_same_examples(compared: Any, data: Any) -> None:
    report, folder = compared
    p, truth = data
    expected = (truth == (1 / p).argmax(axis=1)).mean()
    assert report["baseline"]["metrics"]["accuracy"] == pytest.approx(expected, abs=1e-6)
    assert report["metrics"]["accuracy"] != report["baseline"]["metrics"]["accuracy"]
    assert json.loads((folder / "baseline.json").read_text())["used"] is True


def test_details_name_the_most_wrong_examples(compared: Any, data: Any) -> None:
    report, _ = compared
    p, truth = data
    wrong = np.flatnonzero(p.argmax(axis=1) != truth)
    worst = report["details"]["most_wrong"]
    assert worst[0]["probability"] == pytest.approx(p[wrong].max(), abs=1e-6)
    i = int(worst[0]["id"].split("/")[1])
    assert (worst[0]["true"], worst[0]["predicted"]) == (
        CLASSES[truth[i]],
        CLASSES[p[i].argmax()],
    )


def test_a_note_in_place_of_a_model_means_none(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any
) -> None:
    baseline = standard_artifacts.Model()
    baseline.uri = str(tmp_path / "baseline")
    Path(baseline.uri).mkdir()
    Path(baseline.uri, "NO_MODEL_PUSHED_YET").touch()
    report = evaluate(tmp_path / "out", examples, model, a_task(), baseline)
    assert report["baseline"] is None
    assert report["baseline_reason"] == "No earlier model has been blessed."


def test_other_classes_are_compared_on_those_that_both_know(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any, data: Any
) -> None:
    """A class renamed and all of them in another order: the examples of two classes remain."""
    former = ("鳥", "cat", "horse")
    baseline = save_model(tmp_path / "renamed", classes=former)
    report = evaluate(tmp_path / "out", examples, model, a_task(slices=("format",)), baseline)
    assert json.loads((tmp_path / "out/baseline.json").read_text())["used"] is True
    assert "on the 2 classes that both models know" in report["baseline_reason"]
    p, truth = data
    kept = truth != 1
    shared, before = report["shared"], report["baseline"]
    assert shared["classes"] == ["cat", "鳥"]
    assert (shared["added"], shared["removed"]) == (["<b>dog</b>"], ["horse"])
    # The baseline's first output is the third class here, its second the first.
    theirs = np.array([2, 0, 3])[p.argmax(axis=1)]
    for side, predicted in ((shared, p.argmax(axis=1)), (before, theirs)):
        expected = sk.classification_report(
            truth[kept],
            predicted[kept],
            labels=[0, 2],
            target_names=["cat", "鳥"],
            output_dict=True,
            zero_division=0,
        )
        assert side["metrics"]["accuracy"] == pytest.approx(
            (truth[kept] == predicted[kept]).mean(), abs=1e-6
        )
        assert side["metrics"]["macro_f1"] == pytest.approx(
            expected["macro avg"]["f1-score"], abs=1e-6
        )
        assert side["metrics"]["example_count"] == kept.sum()
        assert "log_loss" not in side["metrics"]
        assert set(side["per_class"]) == {"cat", "鳥"}
        for name, row in side["per_class"].items():
            assert row["recall"] == pytest.approx(expected[name]["recall"], abs=1e-6)
            assert row["precision"] == pytest.approx(expected[name]["precision"], abs=1e-6)
    # The model's own figures are on all examples, as without a baseline.
    assert report["metrics"]["accuracy"] == pytest.approx((p.argmax(1) == truth).mean(), abs=1e-6)
    assert len(report["per_class"]) == 3 and not any("/" in name for name in report["metrics"])
    assert report["slices"]["format=PNG"]["metrics"]["example_count"] == 200


def test_the_same_classes_in_another_order_are_the_same(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any, data: Any
) -> None:
    turned = save_model(tmp_path / "turned", classes=CLASSES[::-1])
    report = evaluate(tmp_path / "out", examples, model, a_task(), turned)
    p, truth = data
    assert report["shared"] is None
    expected = (truth == 2 - p.argmax(axis=1)).mean()
    assert report["baseline"]["metrics"]["accuracy"] == pytest.approx(expected, abs=1e-6)
    assert "log_loss" in report["baseline"]["metrics"]


def test_a_baseline_of_other_things_is_left_out_with_the_reason(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any
) -> None:
    other = save_model(tmp_path / "other", classes=("car", "horse", "ship"))
    report = evaluate(tmp_path / "out", examples, model, a_task(), other)
    assert report["baseline"] is None and report["shared"] is None
    assert (
        "none of its classes (car, horse, ship) is among this model's" in report["baseline_reason"]
    )
    assert json.loads((tmp_path / "out/baseline.json").read_text())["used"] is False


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder, model: None, "No earlier model has been blessed"),
        (lambda folder, model: model, "this model itself"),
        (lambda folder, model: str(folder / "gone"), "can no longer be read"),
        (
            lambda folder, model: save_model(folder / "s", key="x_").uri + "/Format-Serving",
            "x_probabilities",
        ),
    ],
)
def test_decision_on_a_baseline(tmp_path: Path, model: Any, make: Any, said: str) -> None:
    candidate = os.path.join(model.uri, "Format-Serving")
    decision = evaluator.decide(candidate, make(tmp_path, candidate))
    assert not decision.used
    assert said in decision.reason


def test_unknown_label_is_refused_by_name(
    tmp_path: Path, data: Any, model: Any, write_examples: Any, evaluate: Any
) -> None:
    p, truth = data
    rows = rows_of(p[:4], truth[:4], "eval")
    rows[2]["label"] = b"giraffe"
    examples = write_examples(tmp_path / "examples", {"train": [], "eval": rows})
    with pytest.raises(BadInputError, match="'giraffe' of 'eval/2'"):
        evaluate(tmp_path / "out", examples, model, a_task())


def test_empty_split_is_refused(
    tmp_path: Path, model: Any, write_examples: Any, evaluate: Any
) -> None:
    examples = write_examples(tmp_path / "examples", {"eval": []})
    with pytest.raises(BadInputError, match="no examples"):
        evaluate(tmp_path / "out", examples, model, a_task())


def test_split_choice() -> None:
    assert evaluator.evaluation_split(["train", "eval"]) == "eval"
    assert evaluator.evaluation_split(["train", "eval", "test"]) == "test"
    with pytest.raises(BadInputError, match="Found: train"):
        evaluator.evaluation_split(["train"])
