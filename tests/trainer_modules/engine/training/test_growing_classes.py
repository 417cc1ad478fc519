"""A class more: nine digits, then ten, on scikit-learn's real images."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainer_modules.digits import TASK
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write
from trainer_modules.engine.training import start
from trainer_modules.engine.training.start import Start

DIGITS = load_digits()
IMAGES = (DIGITS.images * 15).astype(np.uint8)[..., None]
HELD_OUT = np.arange(len(IMAGES)) % 3 == 0


@pytest.mark.slow
def test_a_new_digit_costs_the_old_ones_nothing_to_speak_of(
    tmp_path: Path, shard_writer: Callable[..., list[str]]
) -> None:
    def learnt(count: int, begin: Start) -> Any:
        known = DIGITS.target < count
        files = {
            f"{split}_files": shard_writer(
                tmp_path / str(count), split, IMAGES[known & part], DIGITS.target[known & part]
            )
            for split, part in (("train", ~HELD_OUT), ("eval", HELD_OUT))
        }
        problem = Classification(classes=tuple(map(str, range(count))))
        task = dataclasses.replace(TASK, problem=problem)
        logs = str(tmp_path / "logs")
        trained = start.train(
            task, begin, **files, model_dir=logs, log_dir=logs, checkpoint_dir=None
        )
        return trained, task

    def recall(trained: Any, digit: int) -> float:
        chosen = HELD_OUT & (DIGITS.target == digit)
        answers = trained.model(IMAGES[chosen]).numpy().argmax(-1)
        return float((answers == digit).mean())

    nine, task = learnt(9, Start())
    write.save(nine.model, task, str(tmp_path / "nine"))
    ten, _ = learnt(10, Start(asked="champion", model=str(tmp_path / "nine")))
    assert ten.history["start"]["added"] == ("9",)
    before, after = (np.mean([recall(m, digit) for digit in range(9)]) for m in (nine, ten))
    assert before > 0.95
    assert after >= before - 0.02
    assert recall(ten, 9) > 0.7
    epochs = [len(trained.history["epochs"]) for trained in (nine, ten)]
    assert epochs[1] <= 0.3 * epochs[0]
