"""Sets of labels through TFMA: scikit-learn's figures, slices, baselines, and gates on them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sk

from components.model_gate.checking import check_gates
from components.model_gate.judging import judge
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import MultiLabel
from trainer_modules.engine.task.gates import AtLeast, BetterThanChance, NoWorse
from trainer_modules.engine.task.sources import TFRecords
from trainer_modules.engine.task.task import Images, Network, Phase, Task

CLASSES = ("cat", "dog", "鳥")
PROBLEM = MultiLabel(classes=CLASSES, thresholds=(0.4, 0.5, 0.6))
TASK = Task(
    name="tags",
    source=TFRecords(),
    problem=MultiLabel(classes=CLASSES),
    model=Network(),
    phases=(Phase(epochs=1),),
    input=Images(height=8, width=8),
    slices=("format",),
)


def save_model(folder: Path, problem: MultiLabel, order: list[int], skill: float = 1.0) -> Any:
    """Writes a model whose `image` feature is the probabilities, in `order` and blurred."""
    from tfx.types import standard_artifacts

    class Echo(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: Any) -> Any:
            spec = {"image": tf.io.FixedLenFeature([], tf.string)}
            image = tf.io.parse_example(examples, spec)["image"]
            p = tf.reshape(tf.io.decode_raw(image, tf.float32), [-1, 3])
            return problem.served(tf.gather(p, order, axis=1) * skill + (1 - skill) * 0.5)

    folder.mkdir(parents=True)
    asset = folder / "classes.txt"
    asset.write_text("".join(f"{name}\n" for name in problem.classes))
    module = Echo()
    module.assets = [tf.saved_model.Asset(str(asset))]
    saved = str(folder / "Format-Serving")
    signatures = {"examples": module.serve, "serving_default": module.serve}
    tf.saved_model.save(module, saved, signatures=signatures)
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities on a coarse grid, so that there are ties, and true sets, some empty."""
    rng = np.random.default_rng(0)
    truth = rng.random((240, 3)) < [0.5, 0.4, 0.2]
    p = np.round(np.clip(0.3 * truth + rng.random(truth.shape) * 0.7, 0, 1) * 20) / 20
    return p.astype(np.float32), truth


@pytest.fixture(scope="module")
def report(
    tmp_path_factory: pytest.TempPathFactory, write_examples: Any, evaluate: Any, data: Any
) -> dict[str, Any]:
    """The evaluation beside a baseline that knows `fox` instead of `dog`, and 鳥 first."""
    folder = tmp_path_factory.mktemp("label_sets")
    p, truth = data
    rows = [
        {
            "image": p[i].tobytes(),
            "label": "|".join(np.array(CLASSES)[truth[i]]).encode(),
            "id": str(i).encode(),
            "format": b"PNG" if i % 3 else b"JPEG",
        }
        for i in range(len(p))
    ]
    examples = write_examples(folder / "examples", {"test": rows})
    model = save_model(folder / "model", PROBLEM, [0, 1, 2])
    former = MultiLabel(classes=("鳥", "cat", "fox"), thresholds=(0.5, 0.5, 0.5))
    baseline = save_model(folder / "baseline", former, [2, 0, 1])
    found: dict[str, Any] = evaluate(folder / "out", examples, model, TASK, baseline)
    return found


def test_numbers_and_slices_are_scikit_learns(report: dict[str, Any], data: Any) -> None:
    p, truth = data
    chosen = p >= np.float32(PROBLEM.thresholds)
    assert (truth.sum(axis=1) == 0).sum() > 20
    expected = sk.precision_recall_fscore_support(truth, chosen, average=None)
    for i, name in enumerate(CLASSES):
        row = report["per_class"][name]
        ours = [row[key] for key in ("precision", "recall", "f1", "support")]
        assert ours == pytest.approx([part[i] for part in expected], abs=1e-6)
    mean = sk.average_precision_score(truth, p)
    assert report["metrics"]["mean_average_precision"] == pytest.approx(mean, abs=1e-6)
    png = np.arange(len(p)) % 3 > 0
    sliced = report["slices"]["format=PNG"]["metrics"]
    micro = sk.f1_score(truth[png], chosen[png], average="micro")
    assert sliced["micro_f1"] == pytest.approx(micro, abs=1e-6)
    assert sliced["example_count"] == png.sum()
    assert report["details"]["unknown_labels"] == {}


def test_models_of_other_classes_are_compared_on_the_classes_of_both(
    report: dict[str, Any], data: Any
) -> None:
    p, truth = data
    assert report["shared"]["classes"] == ["cat", "鳥"]
    assert (report["shared"]["added"], report["shared"]["removed"]) == (["dog"], ["fox"])
    both = [0, 2]
    for side, limits in ((report["shared"], (0.4, 0.6)), (report["baseline"], (0.5, 0.5))):
        chosen = p[:, both] >= np.float32(limits)
        expected = sk.f1_score(truth[:, both], chosen, average="macro")
        assert side["metrics"]["macro_f1"] == pytest.approx(expected, abs=1e-6)
        assert side["metrics"]["example_count"] == len(p)
        assert set(side["per_class"]) == {"cat", "鳥"}


def test_gates_judge_every_class_and_the_last_blessed_model(report: dict[str, Any]) -> None:
    gates = (
        BetterThanChance(),
        AtLeast("average_precision", 0.3, each_class=True),
        NoWorse("mean_average_precision", tolerance=0.01),
        NoWorse("recall", tolerance=0.5, each_class=True),
    )
    check_gates(dataclasses.replace(TASK, gates=gates))
    verdict = judge(gates, report)
    assert verdict.blessed, verdict.message
    assert len(verdict.gates) == 1 + 3 + 1 + 3
    strict = judge((AtLeast("average_precision", 0.99, each_class=True),), report)
    assert not strict.blessed and "average_precision of class 'cat'" in strict.message


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (AtLeast("mean_average_precison", 0.5), "did you mean 'mean_average_precision'"),
        (AtLeast("average_precision", 0.5), "set each_class=True"),
        (AtLeast("accuracy", 0.5), "must be one of mean_average_precision"),
        (AtLeast("f1", 0.5, class_name="dgo"), "did you mean 'dog'"),
    ],
)
def test_gates_on_what_is_not_measured_are_refused_early(gate: AtLeast, says: str) -> None:
    with pytest.raises(BadInputError) as refused:
        check_gates(dataclasses.replace(TASK, gates=(gate,)))
    assert says in str(refused.value)
