"""The same seed gives the same numbers, also when a training was interrupted."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.task.layers import Conv, Dense, Dropout, Flatten
from trainer_modules.engine.task.task import (
    Augment,
    EarlyStopping,
    Network,
    Phase,
    ReduceOnPlateau,
    Task,
)
from trainer_modules.engine.training import history, phases

DROPPING = Network(layers=(Flatten(), Dense(16, "relu"), Dropout(0.5)))
TWO_PHASES = (Phase(epochs=2, learning_rate=0.01), Phase(epochs=2, learning_rate=0.001))


def curve(trained: history.Trained, name: str = "loss") -> list[float]:
    return [epoch[name] for epoch in trained.history["epochs"]]


def same_weights(a: history.Trained, b: history.Trained) -> bool:
    pairs = zip(a.model.get_weights(), b.model.get_weights(), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def _json(task: Task) -> str:
    from trainer_modules.engine.task import overrides

    return overrides.to_json(task)


def test_a_seed_gives_the_same_numbers_and_another_does_not(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    task = tiny(model=DROPPING, train__augment=Augment(flip=True))
    first, again, other = run(task), run(task), run(tiny(model=DROPPING, train__seed=1))
    assert same_weights(first, again)
    assert not same_weights(first, other)


def test_deterministic_runs_are_bit_identical(
    tiny: Callable[..., Task], tiny_files: Any, tmp_path: Path
) -> None:
    """In a process of its own, as TensorFlow's determinism cannot be switched off again."""
    task = tiny(
        model=Network(layers=(Conv(8), Flatten(), Dropout(0.5))),
        train__augment=Augment(rotation=0.2, contrast=0.3),
        train__deterministic=True,
        train__cache_megabytes=0,
    )
    script = f"""
import hashlib, trainer_modules
from trainer_modules.engine.task import overrides
from trainer_modules.engine.training import training
task = overrides.from_json({str(_json(task))!r})
for _ in range(2):
    trained = training.train(task, train_files={tiny_files["train_files"]!r},
        eval_files={tiny_files["eval_files"]!r}, model_dir="-", log_dir={str(tmp_path / "l")!r})
    weights = b"".join(w.tobytes() for w in trained.model.get_weights())
    print(hashlib.sha256(weights).hexdigest(), [e["loss"] for e in trained.history["epochs"]])
    import tensorflow as tf, numpy as np
    tf.random.normal([3], seed=1); np.random.rand(3)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    first, second = done.stdout.strip().splitlines()[-2:]
    assert first == second


@pytest.mark.parametrize(
    ("killed_after", "precision"),
    [(1, "float32"), (2, "float32"), (3, "float32"), (1, "mixed_float16")],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scalars: Callable[[Path], dict[str, dict[int, float]]],
    killed_after: int,
    precision: str,
) -> None:
    task = tiny(
        model=DROPPING,
        phases=TWO_PHASES,
        train__augment=Augment(flip=True, brightness=0.1),
        train__best_metric="val_loss",
        train__reduce_on_plateau=ReduceOnPlateau(patience=1, min_learning_rate=1e-5),
        train__early_stopping=EarlyStopping(patience=3),
        train__precision=precision,
    )
    whole = run(task, log_dir=str(tmp_path / "whole"))
    states = str(tmp_path / "states")
    keep = phases.resume.save

    def killed(state: Any, *args: Any, **settings: Any) -> None:
        keep(state, *args, **settings)
        if state.epoch == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(phases.resume, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        run(task, checkpoint_dir=states)
    monkeypatch.setattr(phases.resume, "save", keep)
    resumed = run(task, checkpoint_dir=states)
    assert same_weights(resumed, whole)
    assert scalars(tmp_path / "logs") == scalars(tmp_path / "whole")
    for key in ("loss", "val_loss", "learning_rate", "epoch", "phase"):
        assert curve(resumed, key) == curve(whole, key)
    assert resumed.history["phases"] == whole.history["phases"]
    assert resumed.history["best_epoch"] == whole.history["best_epoch"]
    # Until the model is written, the state of a finished training is worth as much as any.
    monkeypatch.setattr(phases.PhaseRun, "fit", None)
    assert same_weights(run(task, checkpoint_dir=states), whole)


def test_a_killed_process_continues_where_it_was(
    run: Callable[..., Any], tiny: Callable[..., Task], tiny_files: Any, tmp_path: Path
) -> None:
    """A process that dies in an epoch (here by `os._exit` in the middle) leaves a whole state."""
    # Two processes agree bit for bit only in deterministic ways, which other tests here turn on.
    task = tiny(phases=TWO_PHASES, train__steps_per_execution=1, train__deterministic=True)
    script = f"""
import os, trainer_modules
from trainer_modules.engine.task import overrides
from trainer_modules.engine.training import callbacks, training
task = overrides.from_json({str(_json(task))!r})
begin = callbacks.Progress.on_train_batch_end
def die(self, batch, logs=None):
    if self._epoch == 2 and batch == 3:
        os._exit(9)
callbacks.Progress.on_train_batch_end = die
training.train(task, train_files={tiny_files["train_files"]!r},
    eval_files={tiny_files["eval_files"]!r}, model_dir="-", log_dir={str(tmp_path / "l")!r},
    checkpoint_dir={str(tmp_path / "states")!r})
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 9, done.stderr.decode()[-2000:]
    resumed = run(task, checkpoint_dir=str(tmp_path / "states"))
    assert same_weights(resumed, run(task))
    assert curve(resumed, "epoch") == [1, 2, 3, 4]


def test_other_settings_start_anew(
    run: Callable[..., Any], tiny: Callable[..., Task], tmp_path: Path, caplog: Any
) -> None:
    from trainer_modules.engine.training import resume

    state = resume.State(epoch=1, weights=[np.zeros(3)])
    resume.save(state, str(tmp_path), "another", best_changed=False)
    assert len(run(tiny(), checkpoint_dir=str(tmp_path)).history["epochs"]) == 3
    assert "had other settings" in caplog.text
