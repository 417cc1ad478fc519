"""What a training may do along the way: best weights, rates, weights of classes, precision."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from tests.trainer_modules.engine.training.curves import curve
from trainer_modules.engine.task.task import Augment, EarlyStopping, Phase, ReduceOnPlateau, Task


def test_best_weights_are_those_exported(
    run: Callable[..., Any], tiny: Callable[..., Task], make_blobs: Callable[..., Any]
) -> None:
    # At this rate the validation loss goes up and down.
    task = tiny(phases=(Phase(epochs=6, learning_rate=0.5),), train__best_metric="val_loss")
    trained = run(task)
    losses = curve(trained, "val_loss")
    assert trained.history["monitor"] == "val_loss"
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


def test_validation_fraction_and_frequency(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    phase = Phase(epochs=4, learning_rate=0.01, validation_freq=2, validation_fraction=0.5)
    epochs = run(tiny(phases=(phase,))).history["epochs"]
    assert ["val_loss" in e for e in epochs] == [False, True, False, True]


def test_what_was_trained_in_low_precision_is_exported_in_float32(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    for policy in ("mixed_bfloat16", "mixed_float16"):
        trained = run(tiny(train__precision=policy))
        assert trained.history["placement"].endswith(f"precision {policy}")
        assert trained.model.output.dtype == "float32"
        assert trained.model.get_layer("dense_1").compute_dtype == "float32"
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


def test_tensorboard_holds_the_history_by_epoch_over_all_phases(
    run: Callable[..., Any],
    tiny: Callable[..., Task],
    tmp_path: Path,
    scalars: Callable[[Path], dict[str, dict[int, float]]],
) -> None:
    phase = Phase(epochs=2, learning_rate=0.01)
    epochs = run(tiny(phases=(phase, phase))).history["epochs"]
    logged = scalars(tmp_path / "logs")
    phases = sorted({tag.split("/")[0] for tag in logged})
    assert len(phases) == 2
    for index, name in enumerate(phases):
        for metric in ("loss", "accuracy"):
            for part, key in (("train", metric), ("validation", f"val_{metric}")):
                expected = {e["epoch"] - 1: e[key] for e in epochs if e["phase"] == index}
                found = logged[f"{name}/{part}/epoch_{metric}"]
                assert found == pytest.approx(expected, rel=1e-6)
                assert list(found) == [2 * index, 2 * index + 1]
    # No graph and no profile.
    assert {path.name.split(".")[0] for path in (tmp_path / "logs").rglob("*.*")} == {"events"}
