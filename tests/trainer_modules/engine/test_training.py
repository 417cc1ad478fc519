"""Training: equal to plain Keras, phases, interruptions, what stops it, what it leaves."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from trainer_modules.engine import history, phases, training
from trainer_modules.engine.errors import BadInputError, TrainingError
from trainer_modules.engine.layers import Conv, Dense, Dropout, Flatten, GlobalAveragePool
from trainer_modules.engine.problems import Binary, Classification, Regression
from trainer_modules.engine.schedules import Cosine, Exponential
from trainer_modules.engine.task import (
    Augment,
    Backbone,
    EarlyStopping,
    Everything,
    HeadOnly,
    Image,
    Network,
    Optimizer,
    Phase,
    ReduceOnPlateau,
    Task,
)

DROPPING = Network(layers=(Flatten(), Dense(16, "relu"), Dropout(0.5)))
TWO_PHASES = (Phase(epochs=2, learning_rate=0.01), Phase(epochs=2, learning_rate=0.001))


@pytest.fixture
def run(tiny_files: dict[str, Any], tmp_path: Path) -> Callable[..., history.Trained]:
    def train(task: Task, **settings: Any) -> history.Trained:
        given = {"model_dir": str(tmp_path / "model"), "log_dir": str(tmp_path / "logs")}
        return training.train(task, **{**tiny_files, **given, **settings})

    return train


def curve(trained: history.Trained, name: str = "loss") -> list[float]:
    return [epoch[name] for epoch in trained.history["epochs"]]


def same_weights(a: history.Trained, b: history.Trained) -> bool:
    pairs = zip(a.model.get_weights(), b.model.get_weights(), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def test_learns_and_measures_as_keras_does(
    run: Callable[..., Any], tiny: Callable[..., Task], make_blobs: Callable[..., Any]
) -> None:
    trained = run(tiny(phases=(Phase(epochs=8, learning_rate=0.02),)))
    images, labels = make_blobs(20, seed=1)
    plain = tf_keras.models.clone_model(trained.model)
    plain.set_weights(trained.model.get_weights())
    plain.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = plain.evaluate(images, labels, batch_size=8, verbose=0)
    last = trained.history["epochs"][-1]
    assert last["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert last["val_accuracy"] == pytest.approx(accuracy)
    assert accuracy > 0.9
    assert trained.model.input.dtype == tf.uint8


def test_gives_the_curve_of_plain_keras(
    run: Callable[..., Any], tiny: Callable[..., Task], make_blobs: Callable[..., Any]
) -> None:
    """Without shuffling, the same batches as `model.fit` on arrays, and the same numbers."""
    task = tiny(train__shuffle=0, train__optimizer=Optimizer(name="rmsprop", momentum=0.5))
    trained = run(task)
    images, labels = make_blobs(45)
    order = [*range(0, 45, 2), *range(1, 45, 2)]  # two shards, one after the other…
    order = [i for pair in zip(order[:22], order[23:], strict=True) for i in pair]  # …interleaved
    order = (order + [44])[:40]
    tf_keras.utils.set_random_seed(0)
    from trainer_modules.engine import models

    model = models.build(task).model
    model.compile(
        optimizer=tf_keras.optimizers.RMSprop(0.01, momentum=0.5),
        loss="sparse_categorical_crossentropy",
    )
    plain = model.fit(
        images[order], labels[order], batch_size=8, epochs=3, shuffle=False, verbose=0
    )
    np.testing.assert_allclose(curve(trained), plain.history["loss"], rtol=1e-4)


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
from trainer_modules.engine import overrides, training
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
    killed_after: int,
    precision: str,
) -> None:
    task = tiny(
        model=DROPPING,
        phases=TWO_PHASES,
        train__augment=Augment(flip=True, brightness=0.1),
        train__best="val_loss",
        train__reduce_on_plateau=ReduceOnPlateau(patience=1, min_learning_rate=1e-5),
        train__early_stopping=EarlyStopping(patience=3),
        train__precision=precision,
    )
    whole = run(task)
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
    for key in ("loss", "val_loss", "learning_rate", "epoch", "phase"):
        assert curve(resumed, key) == curve(whole, key)
    assert resumed.history["phases"] == whole.history["phases"]
    assert resumed.history["best_epoch"] == whole.history["best_epoch"]
    assert not list(Path(states).iterdir())


def test_a_killed_process_continues_where_it_was(
    run: Callable[..., Any], tiny: Callable[..., Task], tiny_files: Any, tmp_path: Path
) -> None:
    """A process that dies in an epoch (here by `os._exit` in the middle) leaves a whole state."""
    task = tiny(phases=TWO_PHASES, train__steps_per_execution=1)
    script = f"""
import os, trainer_modules
from trainer_modules.engine import callbacks, overrides, training
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


def _json(task: Task) -> str:
    from trainer_modules.engine import overrides

    return overrides.to_json(task)


def test_other_settings_start_anew(
    run: Callable[..., Any], tiny: Callable[..., Task], tmp_path: Path, caplog: Any
) -> None:
    from trainer_modules.engine import resume

    state = resume.State(epoch=1, weights=[np.zeros(3)])
    resume.save(state, str(tmp_path), "another", best_changed=False)
    assert len(run(tiny(), checkpoint_dir=str(tmp_path)).history["epochs"]) == 3
    assert "had other settings" in caplog.text


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
        image=Image(height=32, width=32, store="png"),
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


def test_a_frozen_base_does_not_change(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
) -> None:
    from trainer_modules.engine import backbones

    base = backbones.build("MobileNetV2", height=32, width=32, alpha=0.35)
    path = str(tmp_path / "base.h5")
    base.save_weights(path)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    files = shard_writer(tmp_path / "rgb", "train", images, np.arange(8) % 3)
    model = Backbone(name="MobileNetV2", alpha=0.35, weights=path, head=(GlobalAveragePool(),))

    def trained_base(trainable: Any) -> list[np.ndarray]:
        task = tiny(
            image=Image(height=32, width=32, store="png"),
            model=model,
            phases=(Phase(epochs=1, learning_rate=0.01, trainable=trainable),),
            train__batch_size=4,
        )
        trained = run(task, train_files=files, eval_files=files)
        return next(x for x in trained.model.layers if x.name.startswith("mobilenet")).get_weights()

    before = base.get_weights()
    assert all(map(np.array_equal, before, trained_base(HeadOnly())))
    names = [w.name for w in base.weights]
    for name, a, b in zip(names, before, trained_base(Everything()), strict=True):
        norm = any(part in name for part in ("moving_", "gamma", "beta"))
        assert np.array_equal(a, b) == norm, name


def test_epochs_setting_replaces_those_of_the_phases(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    trained = run(tiny(phases=TWO_PHASES, train__epochs=1))
    assert [p["last_epoch"] for p in trained.history["phases"]] == [1, 2]


def test_best_weights_are_those_exported(
    run: Callable[..., Any], tiny: Callable[..., Task], make_blobs: Callable[..., Any]
) -> None:
    # At this rate the validation loss goes up and down.
    task = tiny(phases=(Phase(epochs=6, learning_rate=0.3),), train__best="val_loss")
    trained = run(task)
    losses = curve(trained, "val_loss")
    assert trained.history["exported_epoch"] == trained.history["best_epoch"]
    assert trained.history["best_epoch"] == int(np.argmin(losses)) + 1 != 6
    images, labels = make_blobs(20, seed=1)
    trained.model.compile(loss="sparse_categorical_crossentropy")
    assert trained.model.evaluate(images, labels, verbose=0) == pytest.approx(min(losses), rel=1e-4)


def test_early_stopping_ends_the_phase_only(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    stop = EarlyStopping(monitor="val_accuracy", patience=2, min_delta=2.0)
    trained = run(tiny(phases=(Phase(epochs=9), Phase(epochs=1)), train__early_stopping=stop))
    assert [p["first_epoch"] for p in trained.history["phases"]] == [1, 4]
    assert curve(trained, "epoch") == [1, 2, 3, 4]


def test_plateau_lowers_the_rate(run: Callable[..., Any], tiny: Callable[..., Task]) -> None:
    rate = 1e-12  # too small to make progress
    plateau = ReduceOnPlateau(monitor="loss", factor=0.1, patience=1, min_learning_rate=5e-14)
    trained = run(
        tiny(
            phases=(Phase(epochs=5, learning_rate=rate),),
            train__reduce_on_plateau=plateau,
            train__shuffle=0,
        )
    )
    rates = curve(trained, "learning_rate")
    assert rates[0] == pytest.approx(1e-12)
    assert rates[-1] == pytest.approx(5e-14)


@pytest.mark.parametrize(
    "schedule",
    [Exponential(initial=0.01, steps=5, rate=0.5), Cosine(peak=0.01, warmup=0.2, floor=0.1)],
)
def test_schedules_count_the_steps_of_the_phase(
    run: Callable[..., Any], tiny: Callable[..., Task], schedule: Any
) -> None:
    trained = run(tiny(phases=(Phase(epochs=4, learning_rate=schedule),)))
    keras = schedule.build(20)
    expected = [float(keras(step)) for step in (5, 10, 15, 20)]
    np.testing.assert_allclose(curve(trained, "learning_rate"), expected, rtol=1e-5)


def test_class_weights_are_in_the_loss(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    make_blobs: Callable[..., Any],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
) -> None:
    images, _ = make_blobs(24)
    labels = np.array([0] * 16 + [1] * 6 + [2] * 2)
    files = shard_writer(tmp_path / "skewed", "train", images, labels)
    task = tiny(
        phases=(Phase(epochs=1, learning_rate=1e-12),),
        train__class_weights="balanced",
        train__batch_size=24,
    )
    trained = run(task, train_files=files)
    from sklearn.utils.class_weight import compute_class_weight

    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    p = trained.model.predict(images, verbose=0)[np.arange(24), labels]
    assert curve(trained)[0] == pytest.approx(np.mean(-np.log(p) * weights[labels]), rel=1e-4)


def test_label_smoothing_is_in_the_loss(
    run: Callable[..., Any], tiny: Callable[..., Task], make_blobs: Callable[..., Any]
) -> None:
    trained = run(tiny(train__label_smoothing=0.2))
    images, labels = make_blobs(20, seed=1)
    target = np.eye(3)[labels] * 0.8 + 0.2 / 3
    p = trained.model.predict(images, verbose=0)
    expected = -(target * np.log(p)).sum(1).mean()
    assert trained.history["epochs"][-1]["val_loss"] == pytest.approx(expected, rel=1e-4)


def test_validation_share_and_frequency(run: Callable[..., Any], tiny: Callable[..., Task]) -> None:
    phase = Phase(epochs=4, learning_rate=0.01, validation_freq=2, validation_share=0.5)
    epochs = run(tiny(phases=(phase,))).history["epochs"]
    assert ["val_loss" in e for e in epochs] == [False, True, False, True]


def test_mixed_precision_keeps_the_output_float32(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    for policy, computed in (("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float16")):
        trained = run(tiny(train__precision=policy))
        assert trained.model.output.dtype == "float32"
        assert trained.model.get_layer("dense_1").compute_dtype == computed
        assert np.isfinite(curve(trained)).all()
    assert tf_keras.mixed_precision.global_policy().name == "float32"


def test_xla_compiles_the_step(run: Callable[..., Any], tiny: Callable[..., Task]) -> None:
    task = tiny(train__augment=Augment(flip=True, rotation=0.1, brightness=0.1, contrast=0.1))
    plain = run(tiny(train__shuffle=0))
    compiled = run(tiny(train__shuffle=0, train__xla=True))
    np.testing.assert_allclose(curve(compiled), curve(plain), rtol=1e-3)
    assert np.isfinite(
        curve(run(dataclasses.replace(task, train=dataclasses.replace(task.train, xla=True))))
    ).all()


def test_a_table_trains(run: Callable[..., Any], tiny: Callable[..., Task], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(64, 2)).astype(np.float32)
    targets = rows @ [2.0, -1.0] + 3.0
    path = str(tmp_path / "rows")
    with tf.io.TFRecordWriter(path) as writer:
        for (a, b), y in zip(rows, targets, strict=True):
            values = {"a": a, "b": b, "target": y}
            features = {
                k: tf.train.Feature(float_list=tf.train.FloatList(value=[v]))
                for k, v in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    task = tiny(
        problem=Regression(target="y", features=("a", "b")),
        image=None,
        model=Network(),
        phases=(Phase(epochs=30, learning_rate=0.1),),
    )
    trained = run(task, train_files=[path], eval_files=[path])
    kernel, bias = trained.model.get_weights()
    np.testing.assert_allclose([*kernel[:, 0], *bias], [2, -1, 3], atol=0.05)
    assert "val_mae" in trained.history["epochs"][-1]


def test_two_classes_with_one_output(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    make_blobs: Callable[..., Any],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
) -> None:
    images, labels = make_blobs(40, classes=2)
    files = shard_writer(tmp_path / "two", "train", images, labels)
    task = tiny(problem=Binary(classes=("a", "b")), phases=(Phase(epochs=6, learning_rate=0.02),))
    trained = run(task, train_files=files, eval_files=files)
    predicted = trained.model.predict(images, verbose=0)[:, 0] > 0.5
    accuracy = (predicted == labels).mean()
    assert trained.history["epochs"][-1]["val_binary_accuracy"] == pytest.approx(accuracy)
    assert accuracy > 0.9


def test_nan_stops_and_nothing_is_kept(
    run: Callable[..., Any], tiny: Callable[..., Task], tmp_path: Path
) -> None:
    task = tiny(
        phases=(Phase(epochs=3, learning_rate=1e30),),
        train__optimizer=Optimizer(name="sgd"),
        train__steps_per_execution=1,
    )
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) in epoch 1, seen at step \d"):
        run(task, checkpoint_dir=str(tmp_path / "states"))
    assert not (tmp_path / "states").exists()
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train__batch_size": 46}, "global batch of 46 is larger than the 45 examples"),
        ({"train__best": "val_acuracy"}, "did you mean 'val_accuracy'"),
        (
            {"train__early_stopping": EarlyStopping(monitor="nothing")},
            "train.early_stopping.monitor must be one of loss",
        ),
        ({"problem": Classification(classes=("a", "b"))}, "a label outside its 2 classes"),
        (
            {
                "train__reduce_on_plateau": ReduceOnPlateau(),
                "phases": (Phase(epochs=1, learning_rate=Cosine(peak=1.0)),),
            },
            "needs phases with a constant learning rate",
        ),
        ({"phases": ()}, "has no phases"),
    ],
)
def test_what_cannot_be_trained_is_said_before(
    run: Callable[..., Any], tiny: Callable[..., Task], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        run(tiny(**changes))


def test_one_class_only_and_no_examples_are_refused(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    make_blobs: Callable[..., Any],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
    caplog: Any,
) -> None:
    images, labels = make_blobs(12)
    files = shard_writer(tmp_path / "one", "train", images, np.zeros(12, int))
    with pytest.raises(BadInputError, match=r"holds one class only \('left', 12 examples\)"):
        run(tiny(), train_files=files)
    with pytest.raises(BadInputError, match="the train split of task tiny has no examples"):
        run(tiny(), train_files=[])
    labels[labels == 2] = 0
    labels[0] = 2
    run(tiny(train__epochs=1), train_files=shard_writer(tmp_path / "few", "train", images, labels))
    assert "class 'right' has 1 training examples" in caplog.text
