"""Two classes with one output unit: the probability of the second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems import Binary
from trainer_modules.engine.task.task import Phase, Task

PETS = Binary(classes=("cat", "dog"))


@pytest.mark.parametrize("classes", [(), ("cat",), ("cat", "dog", "fox")])
def test_two_classes_are_needed(classes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"must have 2 classes. Received: {len(classes)}"):
        Binary(classes=classes)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_loss_and_metric_are_those_of_the_second_class(smoothing: float) -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.01, 0.99, (60, 1)).astype(np.float32)
    labels = rng.integers(0, 2, (60, 1)).astype(np.float32)
    target = labels * (1 - smoothing) + smoothing / 2
    expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    assert float(PETS.loss(smoothing)(labels, p)) == pytest.approx(expected, rel=1e-5)
    (metric,) = PETS.training_metrics()
    metric.update_state(labels, p)
    assert float(metric.result()) == pytest.approx(sk.accuracy_score(labels, p > 0.5))


def test_both_classes_are_served() -> None:
    served = {n: v.numpy() for n, v in PETS.served(np.array([[0.25], [0.75]])).items()}
    np.testing.assert_allclose(served["probabilities"], [[0.75, 0.25], [0.25, 0.75]])
    assert served["label"].tolist() == [b"cat", b"dog"]
    assert served["score"].tolist() == [0.75, 0.75]


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
