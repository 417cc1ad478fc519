"""What cannot be trained is said before the first step, and a NaN stops the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.errors import BadInputError, TrainingError
from trainer_modules.engine.problems import Classification, Regression
from trainer_modules.engine.task.layers import Conv, Dense, Flatten, MaxPool
from trainer_modules.engine.task.learning_rates import Cosine
from trainer_modules.engine.task.task import (
    EarlyStopping,
    Network,
    Optimizer,
    Phase,
    ReduceOnPlateau,
    Task,
)


def test_nan_stops_and_nothing_is_kept(
    run: Callable[..., Any], tiny: Callable[..., Task], tmp_path: Path
) -> None:
    task = tiny(
        phases=(Phase(epochs=3, learning_rate=1e30),),
        train__optimizer=Optimizer(name="sgd"),
        train__steps_per_execution=1,
    )
    with pytest.raises(
        TrainingError, match=r"loss became (nan|inf) in epoch 1, detected at step \d"
    ):
        run(task, checkpoint_dir=str(tmp_path / "states"))
    assert not (tmp_path / "states").exists()
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train__batch_size": 46}, "global batch of 46 is larger than the 45 examples"),
        ({"train__best_metric": "val_acuracy"}, "did you mean 'val_accuracy'"),
        (
            {"train__early_stopping": EarlyStopping(monitor="nothing")},
            "train.early_stopping.monitor must be one of loss",
        ),
        ({"problem": Classification(classes=("a", "b"))}, "outside its 2 classes"),
        (
            {
                "train__reduce_on_plateau": ReduceOnPlateau(),
                "phases": (Phase(epochs=1, learning_rate=Cosine(peak=1.0)),),
            },
            "needs phases with a constant learning rate",
        ),
        ({"phases": ()}, "has no phases"),
        (
            {"problem": Regression(target="label"), "train__label_smoothing": 0.1},
            "train.label_smoothing must be 0",
        ),
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
    with pytest.raises(BadInputError, match=r"contains only one class \('left', 12 examples\)"):
        run(tiny(), train_files=files)
    with pytest.raises(BadInputError, match="the train split of task tiny has no examples"):
        run(tiny(), train_files=[])
    labels[labels == 2] = 0
    labels[0] = 2
    run(tiny(train__epochs=1), train_files=shard_writer(tmp_path / "few", "train", images, labels))
    assert "class 'right' has only 1 training examples" in caplog.text


def test_what_xla_cannot_make_deterministic_is_said_before(
    run: Callable[..., Any], tiny: Callable[..., Task]
) -> None:
    learnt = Network(layers=(Conv(2), MaxPool(2), Flatten(), Dense(4)))
    with pytest.raises(BadInputError, match="XLA has no deterministic gradient of max pooling"):
        run(tiny(model=learnt, train__xla=True, train__deterministic=True))
    # Nothing before this pooling learns: it takes no gradient, and TensorFlow compiles it.
    first = Network(layers=(MaxPool(2), Flatten(), Dense(4)))
    run(tiny(model=first, train__xla=True, train__deterministic=True))
