"""A multi-label training chooses its thresholds on the validation examples, and serves them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sk

from trainer_modules.engine.problems import MultiLabel
from trainer_modules.engine.saved_model import read
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.task import Task

CLASSES = ("left", "middle", "right")


def columns(count: int, seed: int) -> tuple[Any, Any]:
    """Images uint8 with a bright column for each label, some darkened, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.random((count, 3)) < [0.5, 0.4, 0.3]
    images = rng.integers(0, 150, (count, 8, 8, 1), np.uint8)
    for image, row in zip(images, labels, strict=True):
        for label in np.flatnonzero(row):
            image[:, label * 2 : label * 2 + 2] += np.uint8(rng.integers(20, 100))
    return images, labels


@pytest.fixture(scope="module")
def files(
    shard_writer: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("columns")
    return {
        "train_files": shard_writer(folder, "train", *columns(200, 0)),
        "eval_files": shard_writer(folder, "eval", *columns(90, 1)),
    }


@pytest.fixture
def task(tiny: Callable[..., Task]) -> Task:
    return tiny(problem=MultiLabel(classes=CLASSES), train__label_smoothing=0.05)


@pytest.mark.parametrize("megabytes", [256, 0])
def test_thresholds_are_the_best_of_the_exported_network(
    task: Task, run: Callable[..., Any], files: dict[str, Any], tmp_path: Path, megabytes: int
) -> None:
    cached = dataclasses.replace(task.train, cache_megabytes=megabytes, seed=3)
    trained = run(dataclasses.replace(task, train=cached), **files, scored=True)
    # As the last epoch measured it.
    measured = trained.history["epochs"][-1]["val_pr_auc"]
    assert trained.score == pytest.approx(measured, abs=1e-4)
    images, labels = columns(90, 1)
    p = trained.model(images).numpy()
    chosen = trained.problem.thresholds
    for i, threshold in enumerate(chosen):
        every = [sk.f1_score(labels[:, i], p[:, i] >= t) for t in p[:, i]]
        ours = sk.f1_score(labels[:, i], p[:, i] >= np.float32(threshold))
        assert ours == pytest.approx(max(every), abs=1e-9)
    facts = trained.history["settled"]
    assert facts["thresholds"] == dict(zip(CLASSES, chosen, strict=True))
    assert facts["examples"] == 90 and not facts["defaulted"]
    epoch = trained.history["epochs"][-1]
    assert {"pr_auc", "val_pr_auc", "val_binary_accuracy"} <= set(epoch)
    exact = sk.average_precision_score(labels, p)
    assert epoch["val_pr_auc"] == pytest.approx(exact, abs=0.02)
    assert exact > labels.mean() + 0.1

    settled = dataclasses.replace(task, problem=trained.problem)
    serving.save(trained.model, settled, str(tmp_path / "served"))
    signature = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    pngs = [tf.io.encode_png(image).numpy() for image in images]
    answers = signature(image_bytes=tf.constant(pngs))
    np.testing.assert_allclose(answers["probabilities"], p, atol=1e-5)
    sets = (p >= np.float32(chosen)).tolist()
    expected = ["|".join(np.array(CLASSES)[row]) for row in sets]
    assert [text.decode() for text in answers["labels"].numpy()] == expected
    assert read.task(str(tmp_path / "served")).problem.thresholds == chosen


def test_class_weights_are_refused(
    task: Task, run: Callable[..., Any], files: dict[str, Any]
) -> None:
    from trainer_modules.engine.errors import BadInputError

    weighed = dataclasses.replace(
        task, train=dataclasses.replace(task.train, class_weights="balanced")
    )
    with pytest.raises(BadInputError, match="the one class that it has.*Set it to none"):
        run(weighed, **files)


def test_a_label_outside_the_classes_stops_the_training(
    task: Task, run: Callable[..., Any], shard_writer: Callable[..., list[str]], tmp_path: Path
) -> None:
    from trainer_modules.engine.errors import BadInputError

    images, labels = columns(20, 0)
    labels = labels.astype(int)
    labels[7] = -1
    files = shard_writer(tmp_path / "odd", "train", images, labels)
    with pytest.raises(BadInputError, match="1 have a set with an unknown name, which is outside"):
        run(task, train_files=files, eval_files=files)


def test_independent_probabilities_are_compared_as_odds() -> None:
    from trainer_modules.engine.training.exported import difference

    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (16, 4))
    one, other = (1 / (1 + np.exp(-x)) for x in (logits, logits + 0.5))
    # All odds are higher, which the comparison of competing classes, up to a constant, misses.
    shift = 0.5 / np.sqrt(np.mean(logits**2))
    assert difference(one, other, competing=False) == pytest.approx(shift, rel=0.02)
    # A float32 next to 1 has no odds to speak of.
    sure, surer = np.float32([[1 - 6e-8, 0.5]]), np.float32([[1.0, 0.5]])
    assert difference(sure, surer, competing=False) == 0
