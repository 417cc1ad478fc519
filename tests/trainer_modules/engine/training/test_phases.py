"""One phase after another: what each compiles, marks, counts and logs."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.trainer_modules.engine.training.curves import curve
from trainer_modules.engine.networks import models
from trainer_modules.engine.task.layers import GlobalAveragePool
from trainer_modules.engine.task.learning_rates import Cosine, Exponential
from trainer_modules.engine.task.task import (
    Backbone,
    Everything,
    HeadOnly,
    Images,
    Last,
    Network,
    Optimizer,
    Phase,
    Task,
)
from trainer_modules.engine.training import history, phases


def test_phases_are_marked_counted_and_logged(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 32, 32, 3), np.uint8)
    files = shard_writer(tmp_path / "rgb", "train", images, np.arange(12) % 3, gzip=True)
    task = tiny(
        input=Images(height=32, width=32, store="png"),
        model=Backbone(name="MobileNetV2", alpha=0.35, weights="none", head=(GlobalAveragePool(),)),
        phases=(
            Phase(epochs=2, learning_rate=0.01, trainable=HeadOnly()),
            Phase(epochs=1, learning_rate=0.001, trainable=Everything()),
        ),
        train__batch_size=4,
    )
    trained = run(task, train_files=files, eval_files=files)
    head, fine = trained.history["phases"]
    assert (head["name"], head["first_epoch"], head["last_epoch"]) == ("1_headonly", 1, 2)
    assert (fine["name"], fine["first_epoch"], fine["last_epoch"]) == ("2_everything", 3, 3)
    assert head["trainable_count"] == 1280 * 3 + 3
    assert fine["trainable_count"] == trained.trainable_count > 300_000
    assert curve(trained, "epoch") == [1, 2, 3]
    assert curve(trained, "phase") == [0, 0, 1]
    np.testing.assert_allclose(curve(trained, "learning_rate"), [0.01, 0.01, 0.001], rtol=1e-6)
    assert "phase 1: trainable 3,843, frozen 410,208" in trained.summary_text
    for phase in ("1_headonly", "2_everything"):
        for part in ("train", "validation"):
            assert list((tmp_path / "logs" / phase / part).iterdir())
    history.write(trained, str(tmp_path / "model"))
    assert json.loads((tmp_path / "model" / "history.json").read_text()) == trained.history
    assert (tmp_path / "model" / "model_summary.txt").read_text() == trained.summary_text


def test_epochs_setting_replaces_those_of_the_phases(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    trained = run(tiny(phases=(Phase(epochs=2), Phase(epochs=2)), train__epochs=1))
    assert [p["last_epoch"] for p in trained.history["phases"]] == [1, 2]


@pytest.mark.parametrize(
    "schedule",
    [
        Exponential(initial=0.01, decay_steps=5, decay_rate=0.5),
        Cosine(peak=0.01, warmup_fraction=0.2, final_fraction=0.1),
    ],
)
def test_schedules_count_the_steps_of_the_phase(
    run: Callable[..., Any], tiny: Callable[..., Task], schedule: Any
) -> None:
    trained = run(tiny(phases=(Phase(epochs=4, learning_rate=schedule),)))
    keras = schedule.build(20)
    expected = [float(keras(step)) for step in (5, 10, 15, 20)]
    np.testing.assert_allclose(curve(trained, "learning_rate"), expected, rtol=1e-5)


def test_a_phase_is_named_by_its_number_and_what_it_trains(tiny: Callable[..., Task]) -> None:
    parts = (HeadOnly(), Last(3), Everything())
    task = tiny(phases=tuple(Phase(epochs=1, trainable=part) for part in parts))
    assert [phases.name(task, i) for i in range(3)] == ["1_headonly", "2_last", "3_everything"]


@pytest.mark.parametrize(
    ("settings", "plain"),
    [
        (Optimizer(), tf_keras.optimizers.Adam(0.02)),
        (Optimizer(epsilon=0.1), tf_keras.optimizers.Adam(0.02, epsilon=0.1)),
        (Optimizer(name="sgd", momentum=0.9), tf_keras.optimizers.SGD(0.02, momentum=0.9)),
        (
            Optimizer(name="rmsprop", momentum=0.5, epsilon=1e-3),
            tf_keras.optimizers.RMSprop(0.02, momentum=0.5, epsilon=1e-3),
        ),
    ],
)
def test_the_optimiser_is_that_of_keras_with_what_is_set(settings: Optimizer, plain: Any) -> None:
    """What is not set keeps the default of Keras."""
    made = phases.make_optimizer(settings, Phase(epochs=1, learning_rate=0.02), steps=5)
    assert type(made) is type(plain)
    assert made.get_config() == plain.get_config()


def test_the_rate_of_a_schedule_is_that_of_the_optimisers_step() -> None:
    cosine = Cosine(peak=0.4, warmup_fraction=0.0)
    made = phases.make_optimizer(Optimizer(name="sgd"), Phase(epochs=2, learning_rate=cosine), 4)
    wrapped = tf_keras.mixed_precision.LossScaleOptimizer(made)
    for step in (0, 2, 4):
        made.iterations.assign(step)
        # Half a wave over the eight steps of the phase.
        expected = 0.4 * (1 + np.cos(np.pi * step / 8)) / 2
        assert phases.current_rate(made) == pytest.approx(expected, rel=1e-5)
        assert phases.current_rate(wrapped) == pytest.approx(expected, rel=1e-5)


def test_all_that_an_optimiser_remembers_is_kept() -> None:
    model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,))])
    model.compile(tf_keras.optimizers.Adam(0.1), "mse")
    rows = np.ones((4, 3), np.float32)
    model.fit(rows, rows[:, :2], epochs=3, verbose=0)
    before = [v.numpy() for v in phases.optimizer_variables(model)]
    assert any(value.shape == (3, 2) and np.abs(value).max() > 0 for value in before)
    other = tf_keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    other.compile(tf_keras.optimizers.Adam(0.1), "mse")
    other.optimizer.build(other.trainable_variables)
    for variable, value in zip(phases.optimizer_variables(other), before, strict=True):
        variable.assign(value)
    for one in (model, other):
        one.fit(rows, rows[:, :2], epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("size", "device", "asked", "steps", "grouped"),
    [
        (8, "cpu", None, 20, 20),  # an epoch is the longest call
        (8, "cpu", None, 120, 50),
        (256, "cpu", None, 120, 1),  # the step takes longer than calling it
        (256, "tpu", None, 120, 50),
        (256, "cpu", 7, 120, 7),
        (8, "cpu", 500, 20, 20),
    ],
)
def test_short_steps_are_grouped_into_one_call(
    tiny: Callable[..., Task], size: int, device: str, asked: int | None, steps: int, grouped: int
) -> None:
    task = tiny(
        input=Images(height=size, width=size, channels=1),
        model=Network(layers=(GlobalAveragePool(),)),
        train__steps_per_execution=asked,
    )
    placement: Any = SimpleNamespace(strategy=tf.distribute.get_strategy(), device=device)
    unused: Any = None
    run = phases.PhaseRun(
        task=task,
        index=0,
        built=models.build(task),
        placement=placement,
        train_split=unused,
        eval_split=unused,
        log_dir="",
        checkpoint_dir=None,
        digest="",
    )
    assert int(run.compiled(steps)._steps_per_execution) == grouped
