"""The outputs of a training besides the model: `history.json`, `model_summary.txt`."""

import json
import math
import os
from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.problems import Problem


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
      model: `tf_keras` model, uint8 `[batch, height, width, channels]` → outputs; casting and
        scaling are its first layers, augmentation is no part of it.
      history: `epochs`: one dict for each epoch, in order (`epoch` counted from 1 over all
        phases, `phase` counted from 0, `loss`, metrics, `val_` metrics where validated,
        `learning_rate`, `seconds`); `phases`: one dict each (`name`, `first_epoch`,
        `last_epoch`, `trainable`, `trainable_count`, `frozen_count`); `monitor`; `best_epoch` and
        `exported_epoch`; `placement`, one line; `examples`, counts of both splits; `settled`,
        what the problem chose after the training, where it chooses something; `start`, what the
        training started from, where a run asked for more than scratch, see `start`.
      summary_text: The network layer by layer, with what each phase freezes; see `summary`.
      trainable_count: Trainable numbers in the last phase.
      frozen_count: The others.
      problem: The task's problem, with what it chose after the training.
      score: The network's `Problem.monitor` on all of the validation split; NaN where it was not
        asked for.
      is_chief: Whether this process writes the outputs, if several trained together.
    """

    model: Any
    history: dict[str, Any]
    summary_text: str
    trainable_count: int
    frozen_count: int
    problem: Problem
    score: float = math.nan
    is_chief: bool = True


def write(trained: Trained, folder: str) -> None:
    """Writes `history.json` and `model_summary.txt` into `folder`, local or remote."""
    import tensorflow as tf

    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, "history.json"), "w") as file:
        file.write(json.dumps(trained.history, indent=2, allow_nan=False) + "\n")
    with tf.io.gfile.GFile(os.path.join(folder, "model_summary.txt"), "w") as file:
        file.write(trained.summary_text)
