"""For every task: the step compiles under XLA, and any placement gives the single-device curve.

Images are small and made up, dropout and augmentation are off (each replica draws its own), and
a backbone has stored weights, so that its BatchNormalization stays frozen as in fine-tuning.
"""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import tasks
from trainer_modules.engine.networks import backbones
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.layers import Dropout
from trainer_modules.engine.task.task import Augment, Columns, Images, Network, Task
from trainer_modules.engine.training import strategy

pytestmark = pytest.mark.slow

GLOBAL_BATCH = 8
SCRIPT = """
import json, sys
from pathlib import Path
import trainer_modules
from trainer_modules.engine.task import overrides
from trainer_modules.engine.training import training
given = json.loads(Path(sys.argv[1]).read_text())
task = overrides.apply(overrides.from_plain(given["task"]), sys.argv[3:])
trained = training.train(task, train_files=given["files"], eval_files=given["files"],
    model_dir="-", log_dir=sys.argv[2] + ".logs")
Path(sys.argv[2]).write_text(json.dumps([e["loss"] for e in trained.history["epochs"]]
    + [e["val_loss"] for e in trained.history["epochs"]]))
"""

TASKS = {spelling: tasks.load(spelling) for spelling, _ in tasks.descriptions()}
# Every task; its variants differ in what this proof takes away, or in size.
TRAINED = sorted(
    s for s, t in TASKS.items() if ":" not in s and t.phases and not t.problem.takes_classes
)


def shrunk(task: Task, folder: Path) -> Task:
    """The task with what makes it slow or random taken away."""
    model: Any = task.model
    own = "layers" if isinstance(model, Network) else "head"
    if hasattr(model, own):
        kept = tuple(x for x in getattr(model, own) if not isinstance(x, Dropout))
        model = dataclasses.replace(model, **{own: kept})
    image = task.input
    if isinstance(image, Columns):
        # The rows are normal already, and there is no Transform here to say so.
        image = dataclasses.replace(image, standardise=False)
    else:
        size = 80 if not isinstance(model, Network) else min(64, image.height)
        image = Images(height=size, width=size, channels=image.channels, scaling=image.scaling)
        image = dataclasses.replace(image, store="png")
    if not isinstance(model, Network):
        path = folder / "base.h5"
        settings = {"height": image.height, "width": image.width, "alpha": model.alpha}
        backbones.build(model.name, **settings).save_weights(str(path))
        model = dataclasses.replace(model, weights=str(path))
    train = dataclasses.replace(
        task.train,
        epochs=1 if len(task.phases) > 1 else 2,
        augment=Augment(),
        precision="float32",
        accelerator="cpu",
        best_metric="",
        early_stopping=None,
        steps_per_execution=1,
    )
    phases = tuple(
        dataclasses.replace(
            p,
            freeze_batch_norm=True,
            steps_per_epoch=None,
            validation_freq=1,
            validation_fraction=1.0,
        )
        for p in task.phases
    )
    return dataclasses.replace(task, model=model, input=image, train=train, phases=phases)


def made_up(task: Task, folder: Path, shard_writer: Callable[..., list[str]]) -> list[str]:
    rng = np.random.default_rng(0)
    if task.input.columns:
        return rows(task, folder)
    shape = (16, task.input.height, task.input.width)
    images = rng.integers(0, 256, (*shape, task.input.channels), np.uint8)
    count = len(task.problem.names)
    if not count:
        return shard_writer(folder, "train", images, rng.normal(size=16))
    labels = rng.integers(0, count, shape if isinstance(task.problem, Segmentation) else 16)
    return shard_writer(folder, "train", images, labels.astype(np.uint8))


def rows(task: Task, folder: Path) -> list[str]:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(folder / "rows")) as writer:
        for _ in range(16):
            values = {name: rng.normal() for name in (*task.input.columns, "target")}
            features = {
                k: tf.train.Feature(float_list=tf.train.FloatList(value=[v]))
                for k, v in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return [str(folder / "rows")]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("spelling", TRAINED)
def test_any_placement_gives_the_curve_of_one_device(
    spelling: str, tmp_path: Path, shard_writer: Callable[..., list[str]]
) -> None:
    task = shrunk(TASKS[spelling], tmp_path)
    files = made_up(task, tmp_path, shard_writer)
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"task": overrides.to_plain(task), "files": files}))

    def start(name: str, replicas: int, *settings: str, **env: str) -> subprocess.Popen[str]:
        batch = f"train.batch_size={GLOBAL_BATCH // replicas}"
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(job), str(tmp_path / name), batch, *settings],
            env={**os.environ, **env},
            stderr=subprocess.PIPE,
            text=True,
        )

    def curve(name: str, *processes: subprocess.Popen[str]) -> list[float]:
        for process in processes:
            _, errors = process.communicate()
            assert process.returncode == 0, f"{name}: {errors[-3000:]}"
        return json.loads((tmp_path / name).read_text())

    alone = curve("alone", start("alone", 1))
    assert np.isfinite(alone).all()
    # XLA has no deterministic gradient of max pooling, which `car_or_truck` would ask for.
    settings = ("train.xla=True", "train.deterministic=False")
    compiled = curve("xla", start("xla", 1, *settings))
    mirrored = curve("mirrored", start("mirrored", 4, **{strategy.LOGICAL_CPUS: "4"}))
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}
    workers = [
        start(
            f"worker{i}",
            2,
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}}),
        )
        for i in range(2)
    ]
    for found in (compiled, mirrored, curve("worker0", *workers)):
        np.testing.assert_allclose(found, alone, rtol=1e-2, atol=1e-3)
