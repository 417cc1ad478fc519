"""Images with several labels, from a list and from folders to a served model.

The images are real: two of scikit-learn's handwritten digits beside each other, and the labels are
the set of these digits, as far as they are below 5; so some images have no label.
"""

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn import metrics as sk
from sklearn.datasets import load_digits

from tests.test_end_to_end import ROOT, run

QUICK = (
    *("--set", "input.height=8", "--set", "input.width=16", "--set", "input.channels=1"),
    "--set",
    'model={"type": "Network", "layers": [{"type": "Flatten"}, '
    '{"type": "Dense", "units": 128, "activation": "relu"}]}',
    *("--set", 'phases=[{"type": "Phase", "epochs": 40, "learning_rate": 0.002}]'),
    *("--set", "train.augment.flip=false"),
)
CLASSES = ("0", "1", "2", "3", "4")


@dataclass(frozen=True)
class Pairs:
    """Pictures uint8 `[count, 8, 16]` of two digits each, and the labels of each."""

    pictures: np.ndarray
    labels: tuple[tuple[str, ...], ...]

    def save(self, i: int, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(self.pictures[i]).save(path)


def pairs(start: int, stop: int) -> Pairs:
    """Pastes the digits `start` to `stop` side by side in random pairs, each digit twice."""
    digits = load_digits()
    rng = np.random.default_rng(start)
    order = np.concatenate([rng.permutation(np.arange(start, stop)) for _ in range(2)])
    both = order.reshape(-1, 2)
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    pictures = np.concatenate([images[both[:, 0]], images[both[:, 1]]], axis=2)
    names = [{str(n) for n in digits.target[list(pair)]} & set(CLASSES) for pair in both]
    return Pairs(pictures=pictures, labels=tuple(tuple(sorted(n)) for n in names))


# The digits of one split are in no other.
SPLITS = {"train": pairs(0, 1100), "eval": pairs(1100, 1450), "test": pairs(1450, 1797)}

SERVE = """
import json, sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
out = model.signatures["serving_default"](
    image_bytes=tf.constant([open(p, "rb").read() for p in sys.argv[2:]]))
print(json.dumps({"p": out["probabilities"].numpy().tolist(),
                  "scores": out["scores"].numpy().tolist(),
                  "labels": [text.decode() for text in out["labels"].numpy()]}))
"""


@pytest.mark.slow
def test_a_list_of_images_becomes_a_model_that_names_sets(tmp_path: Path) -> None:
    data = tmp_path / "data"
    rows = []
    for split, made in SPLITS.items():
        for i, names in enumerate(made.labels):
            made.save(i, data / "img" / f"{split}-{i}.png")
            rows.append((f"img/{split}-{i}.png", "|".join(names), split))
    rows.append(("img/train-0.png", "0|seven", "train"))
    with (data / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "labels", "split"), *rows])
    root = tmp_path / "runs"
    given = ("--data", str(data / "labels.csv"), "--set", "source.paths.split=split", *QUICK)
    done = run(root, *given, "--set", "problem.classes=('0','1','2','3','4')", task="image_labels")
    assert done.code == 0, done.out
    summary = done.summary
    assert summary["status"] == "pushed"
    assert summary["counts"]["rejected"] == 1
    assert [summary["counts"][s] for s in SPLITS] == [len(m.labels) for m in SPLITS.values()]
    assert summary["metrics"]["mean_average_precision"] > 0.85
    assert summary["metrics"]["macro_f1"] > 0.75
    assert any(gate["kind"] == "better_than_chance" and gate["passed"] for gate in summary["gates"])

    task = json.loads(Path(summary["pushed_model"], "assets", "task.json").read_text())
    thresholds = np.float32(task["problem"]["thresholds"])
    assert len(thresholds) == 5 and len(set(thresholds.tolist())) > 1
    test = SPLITS["test"]
    paths = [str(data / "img" / f"test-{i}.png") for i in range(len(test.labels))]
    served = subprocess.run(
        [sys.executable, "-c", SERVE, summary["pushed_model"], *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    out = json.loads(served.stdout.splitlines()[-1])
    p, scores = np.float32(out["p"]), np.float32(out["scores"])
    np.testing.assert_array_equal(scores > 0, p >= thresholds)
    np.testing.assert_array_equal(scores, np.where(p >= thresholds, p, 0))
    names = [tuple(text.split("|")) if text else () for text in out["labels"]]
    assert names == [tuple(np.array(CLASSES)[row].tolist()) for row in scores > 0]
    assert () in names and max(map(len, names)) >= 2

    # What was told about the model is what scikit-learn says of these predictions.
    truth = np.array([[name in labels for name in CLASSES] for labels in test.labels])
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, scores > 0)
    for i, name in enumerate(CLASSES):
        row = summary["per_class"][name]
        found = [row[key] for key in ("precision", "recall", "f1", "support", "average_precision")]
        exact = sk.average_precision_score(truth[:, i], p[:, i])
        expected = [precision[i], recall[i], f1[i], support[i], exact]
        assert found == pytest.approx(expected, abs=0.01)

    report = Path(summary["report"]).read_text()
    assert "highest F1 on the 350 validation examples" in report
    assert "no test split" not in report
    _predicts(summary["pushed_model"], data / "img", tmp_path, dict(zip(paths, names, strict=True)))


def _predicts(model: str, images: Path, folder: Path, expected: dict[str, tuple]) -> None:
    for ending in ("csv", "jsonl"):
        command = [sys.executable, "pipelines/predict.py", "--model", model, "--data", str(images)]
        output = folder / f"predicted.{ending}"
        done = subprocess.run([*command, "--output", str(output)], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        lines = output.read_text().splitlines()
        found = list(csv.DictReader(lines)) if ending == "csv" else list(map(json.loads, lines))
        by_name = {row["id"]: row for row in found}
        assert len(by_name) == sum(len(made.labels) for made in SPLITS.values())
        for path, names in expected.items():
            row = by_name[Path(path).name]
            if ending == "csv":
                assert row["labels"] == "|".join(names)
                assert len(row["scores"].split("|")) == max(1, len(names))
            else:
                assert set(row["labels"]) == set(row["scores"]) == set(names)
                assert set(row["probabilities"]) == set(CLASSES)


@pytest.mark.slow
def test_folders_hold_a_picture_in_each_of_its_classes(tmp_path: Path) -> None:
    data, several = tmp_path / "data", 0
    for split in ("train", "eval"):
        for i, names in enumerate(SPLITS[split].labels):
            several += len(names) > 1
            for name in names:
                SPLITS[split].save(i, data / name / f"{split}-{i}.png")
    done = run(
        tmp_path / "runs",
        *("--data", str(data), *QUICK, "--set", "problem.threshold=0.4"),
        *("--set", "alternatives.0.splits.test=0.0", "--set", "alternatives.0.splits.eval=0.3"),
        task="image_labels",
    )
    assert done.code == 0, done.out
    pictures = [m for s in ("train", "eval") for m in SPLITS[s].labels if m]
    counts = done.summary["counts"]
    assert counts["train"] + counts["eval"] == len(pictures)
    assert counts["duplicates"] == several == sum(len(names) == 2 for names in pictures)
    assert done.summary["metrics"]["mean_average_precision"] > 0.85
    task = json.loads(Path(done.summary["pushed_model"], "assets", "task.json").read_text())
    assert task["problem"]["thresholds"] == [0.4] * 5
    assert "the task fixes this threshold" in Path(done.summary["report"]).read_text()
