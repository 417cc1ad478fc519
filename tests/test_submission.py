"""The last stage of a pipeline: a submission for the records that have no labels."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules import cassava

ROOT = Path(__file__).parent.parent
TORN = b"\xff\xd8\xff\xe0 not much of a JPEG"
# cassava's own source and classes; a network that learns grey levels in seconds.
QUICK = (
    'model={"type": "Network", "layers": [{"type": "Flatten"}]}',
    "input.height=8",
    "input.width=8",
    "train.batch_size=8",
    'phases=[{"type": "Phase", "epochs": 2}]',
)


def _jpeg(level: int, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).normal(level, 12, (20, 24, 3)).clip(0, 255)
    file = io.BytesIO()
    Pillow.fromarray(pixels.astype(np.uint8)).save(file, "JPEG")
    return file.getvalue()


def _shard(path: Path, rows: list[dict[str, Any]]) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            example = tf.train.Example()
            for name, value in row.items():
                feature = example.features.feature[name]
                if isinstance(value, bytes):
                    feature.bytes_list.value.append(value)
                else:
                    feature.int64_list.value.append(value)
            writer.write(example.SerializeToString())


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled train shards and unlabelled test shards, as the competition had them."""
    folder = tmp_path_factory.mktemp("cassava")
    for name in ("train_tfrecords", "test_tfrecords"):
        (folder / name).mkdir()
    for shard in range(4):
        rows = []
        for i in range(20):
            label = i % 5
            image = _jpeg(20 + 50 * label, shard * 20 + i)
            rows.append(
                {"image": image, "image_name": f"{shard}-{i}.jpg".encode(), "target": label}
            )
        _shard(folder / "train_tfrecords" / f"ld_train{shard:02d}-20.tfrec", rows)
    for shard in range(2):
        rows = [
            {
                "image": _jpeg(20 + 50 * (i % 5), 900 + i),
                "image_name": f"{9 - shard}{i}.jpg".encode(),
            }
            for i in range(15)
        ]
        if shard == 1:
            rows[4]["image"] = TORN
        _shard(folder / "test_tfrecords" / f"ld_test{shard:02d}-15.tfrec", rows)
    return folder


def _run(program: str, *args: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, f"pipelines/{program}.py", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


def _train(root: Path, data: Path, gate: str) -> tuple[int, dict[str, Any]]:
    settings = [*QUICK, gate]
    done = _run(
        "run_local",
        *("--task", "cassava", "--data", str(data), "--root", str(root)),
        *("--max-rejected", "0.05"),
        *(part for setting in settings for part in ("--set", setting)),
    )
    return done.returncode, json.loads((root / "cassava" / "summary.json").read_text())


@pytest.mark.slow
def test_a_whole_run_ends_in_a_submission(shards: Path, tmp_path: Path) -> None:
    out_of_reach = 'gates=[{"type": "AtMost", "metric": "log_loss", "bound": 1e-9}]'
    refused, summary = _train(tmp_path, shards, out_of_reach)
    assert refused == 3 and summary["predictions"] is None
    assert not list(tmp_path.rglob("submission.csv"))

    code, summary = _train(tmp_path, shards, "gates=[]")
    assert code == 0, summary
    assert summary["counts"]["unlabelled"] == 29
    with open(summary["predictions"], newline="") as f:
        header, *rows = csv.reader(f)
    assert header == ["image_id", "label"]
    found = dict(rows)
    assert len(found) == len(rows) == 30
    assert set(found) == {f"{9 - shard}{i}.jpg" for shard in range(2) for i in range(15)}
    assert [name for name, label in rows if not label] == ["84.jpg"]
    with open(Path(summary["predictions"]).with_name("errors.csv"), newline="") as f:
        errors = list(csv.DictReader(f))
    assert [row["id"] for row in errors] == ["84.jpg"] and errors[0]["error"]

    alone = tmp_path / "alone.csv"
    done = _run(
        "predict",
        *("--model", summary["pushed_model"], "--data", str(shards / "test_tfrecords")),
        *("--output", str(alone), "--columns", "id,label"),
    )
    assert done.returncode == 0, done.stderr
    with open(alone, newline="") as f:
        named = {row["id"]: row["label"] for row in csv.DictReader(f)}
    # The number is the place of the name that the same model gives the same image.
    numbers = {name: str(i) for i, name in enumerate(cassava.TASK.problem.names)} | {"": ""}
    assert found == {name: numbers[label] for name, label in named.items()}
