"""Placement: one setting, clear refusals, and the same curve however the batch is spread."""

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

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.layers import BatchNorm, Conv, Dense, Dropout, Flatten
from trainer_modules.engine.task.task import Network, Phase, Task, Training
from trainer_modules.engine.training import strategy

# Trains one task in a fresh process, as a worker of a service would.
SCRIPT = """
import json, sys
from pathlib import Path
import trainer_modules
from trainer_modules.engine.task import overrides
from trainer_modules.engine.training import training
given = json.loads(Path(sys.argv[1]).read_text())
out = Path(sys.argv[2])
task = overrides.from_plain(given["task"])
trained = training.train(task, train_files=given["train"], eval_files=given["eval"],
    model_dir=str(out), log_dir=str(out / "logs"), checkpoint_dir=str(out / "states"))
weights = [w.tolist() for w in trained.model.get_weights()]
found = {**trained.history, "weights": weights, "chief": trained.is_chief}
(out / "done.json").write_text(json.dumps(found))
"""


def start(job: dict[str, Any], out: Path, **environment: str) -> subprocess.Popen[str]:
    out.mkdir()
    (out / "job.json").write_text(json.dumps(job))
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out / "job.json"), str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], out: Path) -> dict[str, Any]:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    return json.loads((out / "done.json").read_text())


def curves(history: dict[str, Any]) -> np.ndarray:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return np.array([[e[n] for n in names] for e in history["epochs"]])


@pytest.fixture(scope="module")
def task(tiny: Callable[..., Task]) -> Callable[[int], Task]:
    def with_batch(size: int) -> Task:
        return tiny(
            model=Network(
                layers=(Conv(4), BatchNorm(), Flatten(), Dense(16, "relu"), Dropout(0.0))
            ),
            phases=(Phase(epochs=2, learning_rate=0.01),),
            train__batch_size=size,
        )

    return with_batch


@pytest.fixture(scope="module")
def alone(
    task: Callable[[int], Task], tiny_files: dict[str, Any], tmp_path_factory: Any
) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("alone") / "out"
    return finished(start(job(task(8), tiny_files), out), out)


def job(task: Task, files: dict[str, list[str]]) -> dict[str, Any]:
    plain = overrides.to_plain(task)
    return {"task": plain, "train": files["train_files"], "eval": files["eval_files"]}


def test_four_replicas_give_the_curve_of_one(
    task: Callable[[int], Task], tiny_files: dict[str, Any], tmp_path: Path, alone: dict[str, Any]
) -> None:
    out = tmp_path / "out"
    process = start(job(task(2), tiny_files), out, **{strategy.LOGICAL_CPUS: "4"})
    mirrored = finished(process, out)
    assert "MirroredStrategy, replicas 4" in mirrored["placement"]
    np.testing.assert_allclose(curves(mirrored), curves(alone), rtol=2e-3, atol=2e-3)


def test_two_processes_give_the_curve_of_one_and_only_the_chief_writes(
    task: Callable[[int], Task], tiny_files: dict[str, Any], tmp_path: Path, alone: dict[str, Any]
) -> None:
    ports = [free_port() for _ in range(2)]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    outs = [tmp_path / f"worker{i}" for i in range(2)]
    processes = [
        start(
            job(task(4), tiny_files),
            out,
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}}),
        )
        for i, out in enumerate(outs)
    ]
    chief, other = (finished(p, out) for p, out in zip(processes, outs, strict=True))
    assert "MultiWorkerMirroredStrategy, replicas 2" in chief["placement"]
    np.testing.assert_allclose(curves(chief), curves(alone), rtol=2e-3, atol=2e-3)
    assert chief["chief"] and not other["chief"]
    for a, b in zip(chief["weights"], other["weights"], strict=True):
        np.testing.assert_array_equal(a, b)
    assert (outs[0] / "logs").exists() and (outs[0] / "states").exists()
    assert {p.name for p in outs[1].iterdir()} == {"job.json", "done.json"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_the_cpu_is_taken_where_there_is_nothing_else() -> None:
    for accelerator in ("auto", "cpu"):
        placement = strategy.choose(Training(accelerator=accelerator))
        assert (placement.device, placement.replicas) == ("cpu", 1)
        assert placement.precision == "float32" and placement.is_chief
        assert placement.description == "cpu, one device, replicas 1, precision float32"


def test_a_missing_accelerator_says_what_was_tried() -> None:
    with pytest.raises(BadInputError, match="TensorFlow sees no GPU"):
        strategy.choose(Training(accelerator="gpu"))
    for tpu in ("local", "", "no-such-tpu"):
        with pytest.raises(BadInputError) as e:
            strategy.choose(Training(accelerator="tpu", tpu=tpu))
        assert f"Tried: TPUClusterResolver(tpu={tpu!r})" in str(e.value)
        assert "train.accelerator=auto" in str(e.value)


def test_precision_follows_the_device() -> None:
    assert strategy.choose(Training(precision="mixed_bfloat16")).precision == "mixed_bfloat16"
    assert strategy._precision("auto", "tpu") == "mixed_bfloat16"
    assert strategy._precision("auto", "gpu") == "mixed_float16"


def test_a_broken_tf_config_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", "{worker")
    with pytest.raises(BadInputError, match="TF_CONFIG must be JSON. Received: '{worker'"):
        strategy.choose(Training())
