"""Callbacks: progress lines, plateaus, best weights, NaN; TensorBoard's is Keras' own.

Callbacks that affect later epochs (`Plateau`, `StopEarly`, `KeepBest`) keep their state in plain
dicts, so that a resumed run behaves like an uninterrupted one.
"""

import logging
import math
import time
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from trainer_modules.engine.errors import TrainingError
from trainer_modules.engine.problems import vocabulary
from trainer_modules.engine.task.task import EarlyStopping, ReduceOnPlateau

_log = logging.getLogger("tfx_vision")
_STEP_PROGRESS_SECONDS = 20.0


class Monitor:
    """Tracks whether a metric improved, and how many validations ago.

    Attributes:
      best: Best value so far, or None.
      wait: Values since then.
    """

    def __init__(self, metric: str, min_delta: float = 0.0) -> None:
        self.metric = metric
        self.sign = -1.0 if vocabulary.lower_is_better(metric) else 1.0
        self.min_delta = min_delta
        self.best: float | None = None
        self.wait = 0

    def update(self, logs: dict[str, float]) -> bool:
        """Records an epoch's metrics; returns whether `metric` is the best so far."""
        if self.metric not in logs:
            return False
        value = float(logs[self.metric])
        if self.best is None or self.sign * (value - self.best) > self.min_delta:
            self.best, self.wait = value, 0
            return True
        self.wait += 1
        return False

    def state(self) -> dict[str, Any]:
        """Returns the state for `restore`."""
        return {"best": self.best, "wait": self.wait}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`."""
        self.best, self.wait = state["best"], state["wait"]


class StopOnNaN(tf_keras.callbacks.Callback):
    """Raises TrainingError as soon as the loss is no longer a finite number.

    Reading the loss waits for the device, so on accelerators it is read only every `every` calls.
    """

    def __init__(self, *, every: int) -> None:
        super().__init__()
        self._supports_tf_logs = True
        self._every = every
        self._calls = 0
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers the epoch."""
        del logs
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Checks the loss; `batch` is the last step of the call."""
        self._calls += 1
        if self._calls % self._every == 0:
            self._judge(logs, f"step {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Checks the training and validation losses."""
        del epoch
        self._judge(logs, "its end")

    def _judge(self, logs: Any, where: str) -> None:
        for name in ("loss", "val_loss"):
            value = float((logs or {}).get(name, 0.0))
            if not math.isfinite(value):
                raise TrainingError(
                    f"{name} became {value} in epoch {self._epoch + 1}, detected at {where}; "
                    "nothing was saved. Usual remedies: lower the learning rate, use float32 "
                    "instead of mixed precision, check the data for extreme values."
                )


class Progress(tf_keras.callbacks.Callback):
    """One log line for each epoch, and occasional lines within a long epoch."""

    def __init__(self, *, epochs: int, steps: int) -> None:
        super().__init__()
        self._supports_tf_logs = True
        self._epochs, self._steps = epochs, steps
        self._epoch = 0
        self._started = self._said = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        del logs
        self._epoch = epoch
        self._started = self._said = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Logs the progress within a long epoch."""
        now = time.monotonic()
        if now - self._said < _STEP_PROGRESS_SECONDS:
            return
        self._said = now
        _log.info(
            "epoch %d/%d  step %d/%d  loss %.4g  %.0f s so far",
            self._epoch + 1,
            self._epochs,
            batch + 1,
            self._steps,
            float((logs or {}).get("loss", math.nan)),
            now - self._started,
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Logs the epoch's results."""
        shown = {k: v for k, v in (logs or {}).items() if "learning_rate" not in k}
        _log.info(
            "epoch %d/%d  %s  took %.1f s",
            epoch + 1,
            self._epochs,
            "  ".join(f"{k} {float(v):.4g}" for k, v in shown.items()),
            time.monotonic() - self._started,
        )


class StopEarly(tf_keras.callbacks.Callback):
    """Ends the phase when `settings.monitor` stopped improving."""

    def __init__(self, settings: EarlyStopping) -> None:
        super().__init__()
        self.watch = Monitor(settings.monitor, settings.min_delta)
        self._patience = settings.patience

    def state(self) -> dict[str, Any]:
        """Returns the counters."""
        return self.watch.state()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Updates the counters, and stops when the patience is exhausted."""
        self.watch.update(logs or {})
        if self.watch.wait >= self._patience:
            self.model.stop_training = True
            _log.info(
                "epoch %d: %s has not improved on %.4g for %d validations; ending the phase",
                epoch + 1,
                self.watch.metric,
                self.watch.best,
                self.watch.wait,
            )


class Plateau(tf_keras.callbacks.Callback):
    """Lowers the learning rate when `settings.monitor` stopped improving."""

    def __init__(self, settings: ReduceOnPlateau) -> None:
        super().__init__()
        self.watch = Monitor(settings.monitor)
        self._settings = settings

    def state(self) -> dict[str, Any]:
        """Returns the counters."""
        return self.watch.state()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Updates the counters, and lowers the rate when the patience is exhausted."""
        self.watch.update(logs or {})
        if self.watch.wait < self._settings.patience:
            return
        self.watch.wait = 0
        rate = self.model.optimizer.learning_rate
        now = float(tf.convert_to_tensor(rate))
        lower = max(now * self._settings.factor, self._settings.min_learning_rate)
        if lower < now:
            rate.assign(lower)
            _log.info("epoch %d: learning rate lowered to %.3g", epoch + 1, lower)


class KeepBest(tf_keras.callbacks.Callback):
    """Keeps the weights of the best epoch of `metric`, over all phases.

    Attributes:
      weights: Of the model that training wraps, as `get_weights` gives them; None before the
        first epoch.
      epoch: That epoch, counted from 1.
    """

    def __init__(self, metric: str, model: Any) -> None:
        super().__init__()
        self.watch = Monitor(metric)
        self.weights: list[np.ndarray] | None = None
        self.epoch: int | None = None
        self._core = model

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Copies the weights if they are the best so far."""
        if self.watch.update(logs or {}):
            self.weights = self._core.get_weights()
            self.epoch = epoch + 1

    def state(self) -> dict[str, Any]:
        """Returns the state for `restore`, without the weights."""
        return {**self.watch.state(), "epoch": self.epoch}

    def restore(self, state: dict[str, Any], weights: list[np.ndarray] | None) -> None:
        """Continues from `state`."""
        self.watch.restore(state)
        self.epoch, self.weights = state["epoch"], weights
