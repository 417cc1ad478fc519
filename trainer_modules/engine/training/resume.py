"""The state from which an interrupted training resumes: one file, replaced after every epoch.

It contains the weights, the optimiser's state and the callbacks' counters. The random streams and
the order of the data need no storage: they follow from the seed and the epoch or step (see
`input_pipeline` and `reseed`). So on a deterministic platform a resumed run repeats the exact
numbers of an uninterrupted one.
"""

import hashlib
import io
import json
import logging
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from trainer_modules.engine.task.overrides import to_json
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training.examples import Shards

_log = logging.getLogger("tfx_vision")
_FILE = "training_state.npz"
_BEST = "training_best.npz"


@dataclass
class State:
    """The state of a training between two epochs.

    Attributes:
      phase: Index of the current phase.
      epoch: Epochs done, over all phases.
      step: Steps done, over all phases.
      phase_over: Whether the current phase is finished.
      history: The history so far.
      watches: Counters of the callbacks, by name.
      weights: Of the model, as `get_weights` gives them.
      optimizer: Values of the optimiser's variables.
      best: Weights of the best epoch, or None.
    """

    phase: int = 0
    epoch: int = 0
    step: int = 0
    phase_over: bool = False
    history: dict[str, Any] = field(default_factory=dict)
    watches: dict[str, Any] = field(default_factory=dict)
    weights: list[np.ndarray] = field(default_factory=list)
    optimizer: list[np.ndarray] = field(default_factory=list)
    best: list[np.ndarray] | None = None


def fingerprint(
    task: Recipe, train: Shards, evaluated: Shards, replicas: int, start: str = ""
) -> str:
    """Returns a digest of everything that determines a training: settings and examples.

    Args:
      task: The recipe.
      train: The training split.
      evaluated: The split to validate on.
      replicas: How many devices train.
      start: A digest of the weights of the model that it starts from; "" for scratch.
    """
    parts = (task.problem, task.model, task.phases, task.input, task.train)
    data = f"{train.digest} {evaluated.digest} {replicas}"
    text = "\n".join([*map(to_json, parts), data, *([start] if start else [])])
    return hashlib.sha256(text.encode()).hexdigest()


def save(state: State, folder: str, digest: str, *, best_changed: bool) -> None:
    """Replaces the state in `folder`; an interruption leaves the previous state.

    The best weights have a file of their own, written only when they changed, and before the
    state that refers to them by epoch.
    """
    tf.io.gfile.makedirs(folder)
    if best_changed and state.best is not None:
        _write(folder, _BEST, {f"w{i}": a for i, a in enumerate(state.best)}, _label(state))
    about = {
        "digest": digest,
        "phase": state.phase,
        "epoch": state.epoch,
        "step": state.step,
        "phase_over": state.phase_over,
        "history": state.history,
        "watches": state.watches,
    }
    arrays = {f"w{i}": a for i, a in enumerate(state.weights)}
    arrays.update({f"o{i}": a for i, a in enumerate(state.optimizer)})
    _write(folder, _FILE, arrays, about)


def _label(state: State) -> dict[str, Any]:
    return {"epoch": state.watches.get("best", {}).get("epoch")}


def load(folder: str, digest: str) -> State | None:
    """Returns the state in `folder`, or None where there is none, or one of another training."""
    if not tf.io.gfile.exists(os.path.join(folder, _FILE)):
        return None
    about, arrays = _read(folder, _FILE)
    if about.pop("digest") != digest:
        _log.warning(
            "the interrupted training in %s had other settings or data; starting from the "
            "beginning",
            folder,
        )
        return None
    state = State(**about, weights=_numbered(arrays, "w"), optimizer=_numbered(arrays, "o"))
    if state.watches.get("best", {}).get("epoch") is not None:
        label, best = _read(folder, _BEST)
        if label != _label(state):
            # Killed between the two writes: the best file is one epoch ahead of the state.
            _log.warning(
                "the best weights in %s belong to another epoch; starting from the beginning",
                folder,
            )
            return None
        state.best = _numbered(best, "w")
    return state


def forget(folder: str) -> None:
    """Removes the state of a finished training."""
    for name in (_FILE, _BEST):
        if tf.io.gfile.exists(os.path.join(folder, name)):
            tf.io.gfile.remove(os.path.join(folder, name))


def _numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    count = sum(name.startswith(prefix) for name in arrays)
    return [arrays[f"{prefix}{i}"] for i in range(count)]


def _write(folder: str, name: str, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(buffer, about=text, **arrays)  # type: ignore[arg-type]
    path = os.path.join(folder, name)
    with tf.io.gfile.GFile(path + ".part", "wb") as file:
        file.write(buffer.getvalue())
    tf.io.gfile.rename(path + ".part", path, overwrite=True)


def _read(folder: str, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as file:
        stored = np.load(io.BytesIO(file.read()))
    arrays = {key: stored[key] for key in stored.files}
    return json.loads(arrays.pop("about").tobytes().decode()), arrays


def reseed(model: Any, seed: int, epoch: int) -> None:
    """Sets the random stream of every random layer in `model` to the start of `epoch`."""
    place = 0
    for layer in model._flatten_layers():
        generator = getattr(getattr(layer, "_random_generator", None), "_generator", None)
        if generator is not None:
            mixed = np.random.SeedSequence((seed, epoch, place)).generate_state(1, np.uint32)
            generator.reset_from_seed(int(mixed[0]))
            place += 1
