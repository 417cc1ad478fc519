"""The main job as a person runs it: processes, exit codes, files, and the pushed model."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from pipelines import run_local, tasks
from tests.components.pusher.exports import served
from trainer_modules.engine.task import serialisation

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    summary: dict

    @property
    def ran(self) -> set[str]:
        """Components that did work, lookups left out."""
        lookups = {"total", "Baseline", "Champion", "ChampionData", "PreviousStatistics"}
        return set(self.summary["seconds"]) - set(self.summary["cached"]) - lookups


def run(root: Path, *args: str, task: str = "digits", name: str = "") -> Run:
    done = subprocess.run(
        [sys.executable, "pipelines/run_local.py", "--root", str(root), "--task", task, *args]
        + (["--name", name] if name else []),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stdout + done.stderr
    path = root / (name or task.replace(":", "-")) / "summary.json"
    summary = json.loads(path.read_text()) if path.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, summary)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def first(root: Path) -> Run:
    return run(root)


def test_digits_is_trained_judged_and_pushed(first: Run, root: Path) -> None:
    assert first.code == 0, first.out
    summary = first.summary
    assert summary["status"] == "pushed"
    assert summary["metrics"]["accuracy"] >= 0.97
    assert summary["counts"] == {"train": 1203, "eval": 594, "rejected": 0, "duplicates": 0}
    assert set(summary["per_class"]) == {str(i) for i in range(10)}
    assert sum(c["support"] for c in summary["per_class"].values()) == 594
    assert set(summary["per_class"]["3"]) >= {"precision", "recall", "f1", "support"}
    assert all({"bound", "value", "passed"} <= set(gate) for gate in summary["gates"])
    assert Path(summary["pushed_model"]).parent == root / "serving" / "digits"
    assert summary["seconds"]["total"] > 0
    assert Path(summary["report"]).read_text().startswith("<!")
    assert summary["report"] == str(root / "digits" / "report" / "index.html")
    carried = Path(summary["pushed_model"], "assets", "task.json").read_text()
    assert serialisation.from_json(carried) == tasks.load("digits")


def test_the_terminal_shows_each_component_and_none_of_the_noise(first: Run) -> None:
    for name in ("ImageExampleGen", "Transform", "Trainer", "ImageEvaluator", "Pusher"):
        assert sum(line.startswith(f"  ✓ {name} ") for line in first.out.splitlines()) == 1
    assert "1,203 train" in first.out and "epoch 60/60" in first.out
    for noise in ("WARNING", "oneDNN", "absl", "apache_beam", "DeprecationWarning"):
        assert noise not in first.out
    assert len(first.out.splitlines()) < 60


LOADER = """
import sys, json, tensorflow as tf
names = set(sys.modules)
model = tf.saved_model.load(sys.argv[1])
images = [open(p, "rb").read() for p in sys.argv[2:]]
out = model.signatures["serving_default"](image_bytes=tf.constant(images))
assert out["probabilities"].dtype == tf.float32 and out["label"].dtype == tf.string
foreign = [m for m in sys.modules if m.split(".")[0] in
           ("trainer_modules", "components", "pipelines", "tfx", "tensorflow_transform")]
print(json.dumps({"labels": [l.decode() for l in out["label"].numpy()], "foreign": foreign,
                  "sums": out["probabilities"].numpy().sum(1).tolist()}))
"""


def test_pushed_model_names_png_bytes_with_tensorflow_alone(first: Run, tmp_path: Path) -> None:
    digits = load_digits()
    _, images, _, labels = train_test_split(
        digits.images, digits.target, test_size=0.33, random_state=0
    )
    paths = []
    for i, image in enumerate(images[:200]):
        path = tmp_path / f"{i}.png"
        Pillow.fromarray(np.round(image * 255 / 16).astype(np.uint8)).save(path)
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", LOADER, first.summary["pushed_model"], *paths],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["foreign"] == []
    assert np.allclose(found["sums"], 1, atol=1e-5)
    right = np.mean([a == str(b) for a, b in zip(found["labels"], labels[:200], strict=True)])
    assert right >= 0.95


def test_again_does_nothing_and_says_so(first: Run, root: Path) -> None:
    again = run(root)
    assert again.code == 0
    assert again.summary["status"] == "nothing_new"
    assert again.ran == set()
    assert again.summary["metrics"] == first.summary["metrics"]
    assert again.summary["pushed_model"] == first.summary["pushed_model"]
    assert "nothing new" in again.out


def test_a_worse_model_is_refused_and_only_training_runs_again(first: Run, root: Path) -> None:
    worse = run(root, "--set", "phases.0.epochs=1")
    assert worse.code == 3
    assert worse.summary["status"] == "not_blessed"
    assert worse.summary["pushed_model"] is None
    assert not {"ImageExampleGen", "StatisticsGen", "Transform"} & worse.ran
    assert {"Trainer", "ImageEvaluator", "ModelGate"} <= worse.ran
    assert "not blessed: accuracy" in worse.out
    assert len(served(root / "serving" / "digits")) == 1


def test_a_gate_alone_changes_only_the_verdict(first: Run, root: Path) -> None:
    strict = run(root, "--set", "gates.0.bound=0.9999")
    assert strict.code == 3
    assert not {"Transform", "Trainer", "ImageEvaluator"} & strict.ran
    assert "ModelGate" in strict.ran


def test_a_deleted_version_is_pushed_again(first: Run, root: Path) -> None:
    shutil.rmtree(first.summary["pushed_model"])
    again = run(root)
    assert (again.code, again.summary["status"]) == (0, "pushed")
    assert "Pusher" in again.ran and "Trainer" not in again.ran
    assert Path(again.summary["pushed_model"], "saved_model.pb").exists()


@pytest.mark.slow
def test_after_freeing_disk_the_same_command_is_cached_and_what_is_gone_is_made_again(
    first: Run, root: Path
) -> None:
    strict = ("--set", "gates.0.bound=0.9999")
    assert run(root, *strict).code == 3
    freed = run(root, "--gc", "1")
    assert freed.code == 0 and "freed" in freed.out
    again = run(root, *strict)
    assert again.code == 3 and again.ran == set()
    # The first model is served: it and all that it was made from are there. Its report is not.
    same = run(root)
    assert (same.code, same.summary["status"]) == (0, "nothing_new"), same.out
    assert same.summary["metrics"] == first.summary["metrics"]
    assert not {"ImageExampleGen", "Transform", "Trainer"} & same.ran and "Report" in same.ran


@pytest.mark.slow
def test_a_held_model_is_approved_rolled_back_from_and_not_pushed_again(
    first: Run, root: Path
) -> None:
    """Comes last: it changes what is served."""
    other = ("--set", "phases.0.epochs=55")
    held = run(root, "--promote", "hold", *other)
    assert (held.code, held.summary["status"]) == (0, "held"), held.out
    before = served(root / "serving/digits")
    version = held.summary["held"]["version"]
    assert version not in before and held.summary["pushed_model"] is None
    page = Path(held.summary["report"]).read_text(encoding="utf-8")
    assert f"Held as version {version}" in page
    said = ("--by", "Ann", "--reason", "looked at it")
    assert run_local.main(["--approve", "digits", version, *said, "--root", str(root)]) == 0
    assert served(root / "serving/digits") == [*before, version]
    assert run_local.main(["--rollback", "digits", *said, "--root", str(root)]) == 0
    assert served(root / "serving/digits") == before
    # The cache would have pushed it, were it not for the record.
    again = run(root, *other)
    assert (again.code, again.summary["status"]) == (0, "nothing_new"), again.out
    assert "withdrawn by Ann" in again.summary["withheld"] and "Trainer" not in again.ran
    assert served(root / "serving/digits") == before


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty tiny pictures in two classes that anything can tell apart, enough to show it."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        (folder / name).mkdir()
        for i in range(40):
            pixels = np.clip(rng.normal(level, 15, (20, 24, 3)), 0, 255).astype(np.uint8)
            Pillow.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


QUICK = (
    *(
        "--set",
        'model={"type": "Network", "layers": [{"type": "Flatten"}]}',
    ),
    *("--set", "input.height=8", "--set", "input.width=8", "--set", "train.batch_size=8"),
    *("--set", 'phases=[{"type": "Phase", "epochs": 20, "learning_rate": 0.05}]'),
)


def test_own_images_and_one_more(photos: Path, tmp_path: Path) -> None:
    before = run(tmp_path, "--data", str(photos), *QUICK, task="image_folder")
    assert before.code == 0, before.out
    shutil.copy(photos / "dark" / "0.png", photos / "dark" / "again.png")
    Pillow.new("RGB", (9, 9), (7, 7, 7)).save(photos / "dark" / "new.png")
    after = run(tmp_path, "--data", str(photos), *QUICK, task="image_folder")
    assert after.code in (0, 3), after.out
    counts, earlier = after.summary["counts"], before.summary["counts"]
    assert counts["train"] + counts["eval"] == earlier["train"] + earlier["eval"] + 1
    assert counts["duplicates"] == 1
    assert {"ImageExampleGen", "Transform", "Trainer", "ImageEvaluator"} <= after.ran


@pytest.mark.slow
def test_a_folder_of_other_things_needs_a_name_of_its_own(photos: Path, tmp_path: Path) -> None:
    """Not even by accident is what is served replaced by a model of something else."""
    others = tmp_path / "others"
    for name, like in (("night", "dark"), ("day", "light")):
        shutil.copytree(photos / like, others / name)
    root = tmp_path / "runs"
    given = {"task": "image_folder"}
    first = run(root, "--data", str(photos), *QUICK, **given)
    assert first.code == 0, first.out
    assert first.summary["name"] == "image_folder"
    statuses = [(gate["kind"], gate["status"]) for gate in first.summary["gates"]]
    assert statuses == [("better_than_chance", "passed"), *[("no_worse", "not_compared")] * 3]
    assert "1 of 4 gates passed, 3 not compared: blessed" in first.out

    refused = run(root, "--data", str(others), *QUICK, **given)
    assert refused.code == 2
    assert "--name day-and-more" in refused.out and "dark, light" in refused.out
    assert not set(refused.summary["seconds"]) & {"ImageExampleGen", "Trainer"}
    assert [p.name for p in (root / "serving").iterdir()] == ["image_folder"]

    named = run(root, "--data", str(others), *QUICK, name="day-and-more", **given)
    assert named.code == 0, named.out
    assert Path(named.summary["pushed_model"]).parent == root / "serving/day-and-more"
    assert "<title>day-and-more · blessed</title>" in Path(named.summary["report"]).read_text()
    again = run(root, "--data", str(photos), *QUICK, **given)
    assert (again.code, again.summary["status"]) == (0, "nothing_new")
    assert "every result came from the cache" in again.out

    # What changed nothing but the verdict says so, and not that it came from the cache.
    lenient = run(root, "--data", str(photos), *QUICK, "--set", "gates.1.tolerance=0.02", **given)
    assert (lenient.code, lenient.summary["status"]) == (0, "nothing_new")
    assert "ModelGate" in lenient.summary["ran"] and "cache" not in lenient.out.splitlines()[-8:]
    assert "components ran, and the model is already being served" in lenient.out


def test_too_many_bad_files_stop_the_run_with_their_names(photos: Path, tmp_path: Path) -> None:
    (photos / "light" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a JPEG")
    stopped = run(tmp_path, "--data", str(photos), *QUICK, task="image_folder")
    assert stopped.code == 2
    assert stopped.summary["status"] == "failed"
    assert "light/torn.jpg" in stopped.out and "--max-rejected" in stopped.out
    assert "Transform" not in stopped.summary["seconds"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--task", "digit"), "did you mean 'digits'"),
        (("--set", "phases.0.epoch=1"), "did you mean 'epochs'"),
        (("--data", "/nowhere/at/all"), "/nowhere/at/all"),
        (("--metadata", "postgres://x/y"), "--metadata"),
        (("--max-rejected", "7"), "--max-rejected"),
        (("--frehs",), "--fresh"),
    ],
)
def test_usage_errors_are_exit_2_in_one_paragraph(args, says: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "pipelines/run_local.py", "--root", str(tmp_path), *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    text = " ".join((done.stdout + done.stderr).split())
    assert says in text
    assert "Traceback" not in text
