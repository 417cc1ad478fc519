"""A number for each image as a person runs it: digits of scikit-learn, checked by arithmetic."""

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn import metrics as sk
from sklearn.datasets import load_digits

ROOT = Path(__file__).parent.parent
# One linear unit on 8 × 8 grey pixels: the ink of a digit, their sum, is what it can express.
LINEAR = (
    'model={"type": "Network", "layers": [{"type": "Flatten"}]}',
    "input.height=8",
    "input.width=8",
    "input.channels=1",
    "input.scaling=standardise",
    "problem.target=ink",
    'phases=[{"type": "Phase", "epochs": 40, "learning_rate": {"type": "Cosine", "peak": 0.05}}]',
)


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    summary: dict[str, Any]


def run(root: Path, data: Path, *settings: str, task: str = "image_number") -> Run:
    done = _python(
        "pipelines/run_local.py",
        *("--root", str(root), "--task", task, "--data", str(data)),
        *(part for setting in (*LINEAR, *settings) for part in ("--set", setting)),
    )
    path = root / task.replace(":", "-") / "summary.json"
    summary = json.loads(path.read_text()) if path.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, summary)


def _python(program: str, *args: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, program, *args], cwd=ROOT, capture_output=True, text=True
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


def ink(pixels: np.ndarray) -> float:
    """Returns the share of a digit's field that is inked, in percent."""
    return float(pixels.mean()) / 255 * 100


@dataclass(frozen=True)
class Digits:
    """Scikit-learn's digits as PNG bytes, with their ink."""

    images: tuple[bytes, ...]
    numbers: tuple[float, ...]


@pytest.fixture(scope="module")
def digits() -> Digits:
    images, numbers = [], []
    for image in load_digits().images[:900]:
        pixels = np.round(image * 255 / 16).astype(np.uint8)
        file = io.BytesIO()
        Pillow.fromarray(pixels).save(file, "PNG")
        images.append(file.getvalue())
        numbers.append(ink(pixels))
    return Digits(tuple(images), tuple(numbers))


@pytest.fixture(scope="module")
def listed(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images and a CSV, separated by semicolons, of their ink; three rows are bad."""
    folder = tmp_path_factory.mktemp("ink")
    (folder / "png").mkdir()
    rows = [("file", "ink", "part")]
    for i, (image, number) in enumerate(zip(digits.images, digits.numbers, strict=True)):
        (folder / "png" / f"{i}.png").write_bytes(image)
        rows.append((f"png/{i}.png", repr(number), "eval" if i % 5 == 0 else "train"))
    rows[1:4] = [(name, bad, part) for (name, _, part), bad in zip(rows[1:4], BAD, strict=True)]
    with open(folder / "digits.csv", "w", newline="") as f:
        csv.writer(f, delimiter=";").writerows(rows)
    return folder


BAD = ("nan", "", "101")
CSV = (
    *("source.paths.path=file", "source.paths.label=ink", "source.paths.split=part"),
    *("problem.least=0", "problem.most=100", "problem.unit=%", 'slices=["format"]'),
    'gates.2={"type": "AtMost", "metric": "mae", "bound": 0.2, "slice": "format=PNG"}',
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def first(listed: Path, root: Path) -> Run:
    return run(root, listed / "digits.csv", *CSV)


@pytest.mark.slow
def test_a_csv_of_digits_is_learnt_judged_and_pushed(first: Run, root: Path) -> None:
    assert first.code == 0, first.out
    summary = first.summary
    assert summary["status"] == "pushed"
    assert summary["counts"]["rejected"] == 3
    assert summary["metrics"]["r2"] > 0.999 and summary["metrics"]["mae"] < 0.2
    assert [(g["kind"], g["status"]) for g in summary["gates"]] == [
        ("better_than_chance", "passed"),
        ("no_worse", "not_compared"),
        ("at_most", "passed"),
    ]
    carried = json.loads(Path(summary["pushed_model"], "assets", "task.json").read_text())
    assert carried["problem"]["type"] == "Regression"
    assert carried["problem"]["target_deviation"] > 1, "the statistics of the training split"
    assert summary["gates"][2]["support"] == summary["counts"]["eval"]
    page = Path(summary["report"]).read_text()
    assert (
        "Largest errors" in page
        and "Residuals" in page
        and "failure" not in page.split("</style>")[1]
    )
    card = Path(summary["pushed_model"], "MODEL_CARD.md").read_text()
    assert r"ink \[%\]" in card and "The largest errors are where ink is between" in card


@pytest.mark.slow
def test_the_pushed_model_answers_with_the_ink_of_an_image(
    first: Run, digits: Digits, listed: Path, tmp_path: Path
) -> None:
    """Against plain arithmetic on the pixels, and Evaluator's figures against scikit-learn's."""
    output = tmp_path / "predicted.csv"
    done = _python(
        "pipelines/predict.py",
        *("--model", first.summary["pushed_model"], "--data", str(listed / "digits.csv")),
        *("--path-column", "file", "--output", str(output)),
    )
    assert done.returncode == 0, done.stderr
    with open(output, newline="") as f:
        rows = list(csv.DictReader(f))
    assert list(rows[0]) == ["id", "value", "error"] and len(rows) == len(digits.numbers)
    predicted = np.array([float(row["value"]) for row in rows])
    truth = np.array(digits.numbers)
    assert np.abs(predicted - truth).mean() < 0.2
    assert sk.r2_score(truth, predicted) > 0.999
    held_out = [i for i in range(len(truth)) if i % 5 == 0 and i > 2]
    assert first.summary["counts"]["eval"] == len(held_out)
    measured = first.summary["metrics"]
    for name, of in (("mae", sk.mean_absolute_error), ("r2", sk.r2_score)):
        assert measured[name] == pytest.approx(of(truth[held_out], predicted[held_out]), abs=1e-4)


@pytest.mark.slow
def test_the_same_again_is_nothing_new(first: Run, listed: Path, root: Path) -> None:
    again = run(root, listed / "digits.csv", *CSV)
    assert (again.code, again.summary["status"]) == (0, "nothing_new"), again.out
    assert again.summary["metrics"] == first.summary["metrics"]


@pytest.mark.slow
def test_records_of_digits_and_what_has_learnt_nothing(digits: Digits, tmp_path: Path) -> None:
    """From TFRecords with the absolute error; numbers that no image explains are refused."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    for shard in range(5):
        name = "test" if shard == 4 else "digits"
        with tf.io.TFRecordWriter(str(tmp_path / f"{name}-{shard}.tfrec")) as writer:
            for i in range(shard, 600, 5):
                example = tf.train.Example()
                feature = example.features.feature
                feature["image"].bytes_list.value.append(digits.images[i])
                feature["name"].bytes_list.value.append(str(i).encode())
                feature["ink"].float_list.value.append(digits.numbers[i])
                feature["noise"].int64_list.value.append(int(rng.exponential(50)))
                writer.write(example.SerializeToString())
    records = (
        *("source.train=digits-*.tfrec", "source.unlabelled=test-*.tfrec", "source.id=name"),
        *("submission.label_column=ink", "problem.objective=mae"),
    )
    task = "image_number:records"
    learnt = run(tmp_path / "runs", tmp_path, *records, "source.label=ink", task=task)
    assert learnt.code == 0, learnt.out
    assert learnt.summary["metrics"]["mae"] < 0.2
    with open(learnt.summary["predictions"], newline="") as f:
        predicted = {row["id"]: float(row["ink"]) for row in csv.DictReader(f)}
    assert set(predicted) == {str(i) for i in range(4, 600, 5)}
    errors = [abs(value - digits.numbers[int(name)]) for name, value in predicted.items()]
    assert np.mean(errors) < 0.2

    few = 'phases=[{"type": "Phase", "epochs": 2, "learning_rate": 0.001}]'
    noise = run(tmp_path / "more", tmp_path, *records, "source.label=noise", few, task=task)
    assert (noise.code, noise.summary["status"]) == (3, "not_blessed"), noise.out
    assert "better than always answering the mean" in noise.out
    assert noise.summary["predictions"] is None
