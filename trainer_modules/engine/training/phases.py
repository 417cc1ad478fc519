"""One phase of a training: wrap, compile and fit the model with the phase's own settings."""

import time
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras

from trainer_modules.engine.networks.models import Built
from trainer_modules.engine.task.task import Optimizer, Phase, Recipe
from trainer_modules.engine.training import augmentation, callbacks, input_pipeline, resume
from trainer_modules.engine.training.input_pipeline import Split
from trainer_modules.engine.training.resume import State
from trainer_modules.engine.training.strategy import Placement

_SMALL_STEP_BYTES = 1 << 18
"""Below this size of a batch's inputs, calling the step may cost more than the step."""

_STEPS_PER_CALL = 50
"""More steps have no benefit, and a long epoch would show no progress and stop late on a NaN."""


def name(task: Recipe, index: int) -> str:
    """Returns the name of a phase in the history and as its TensorBoard folder."""
    return f"{index + 1}_{type(task.phases[index].trainable).__name__.lower()}"


@dataclass
class PhaseRun:
    """A phase, with everything that it needs.

    Attributes:
      task: The task, `train.epochs` applied.
      index: Of the phase.
      built: The model, with the phase's layers frozen.
      placement: Devices.
      train_split: What to learn from.
      eval_split: What to validate on.
      log_dir: For TensorBoard.
      checkpoint_dir: For `resume`, or None.
      digest: Of the training, for `resume`.
    """

    task: Recipe
    index: int
    built: Built
    placement: Placement
    train_split: Split
    eval_split: Split
    log_dir: str
    checkpoint_dir: str | None
    digest: str

    def fit(self, state: State) -> State:
        """Trains from `state` to the end of the phase; returns the state there."""
        train, phase, strategy = self.task.train, self.phase, self.placement.strategy
        batch = train.batch_size * self.placement.replicas
        eval_batch = (train.eval_batch_size or train.batch_size) * self.placement.replicas
        steps = phase.steps_per_epoch or input_pipeline.steps_per_pass(self.train_split, batch)
        resumed = bool(state.epoch) and state.phase == self.index and not state.phase_over
        first_epoch = self._begin(state, resumed)
        model = self.compiled(steps)
        if resumed:
            for variable, value in zip(optimizer_variables(model), state.optimizer, strict=True):
                variable.assign(value)
        keeper = _Checkpointer(self, state, steps)
        last_epoch = first_epoch - 1 + phase.epochs
        model.fit(
            input_pipeline.training(
                self.train_split, strategy, global_batch=batch, start_step=state.step
            ),
            initial_epoch=state.epoch,
            epochs=last_epoch,
            steps_per_epoch=steps,
            validation_data=input_pipeline.evaluation(
                self.eval_split,
                strategy,
                global_batch=eval_batch,
                fraction=phase.validation_fraction,
            ),
            validation_steps=input_pipeline.evaluation_steps(
                self.eval_split, eval_batch, phase.validation_fraction
            ),
            validation_freq=phase.validation_freq,
            verbose=0,
            callbacks=self._callbacks(keeper, last_epoch, steps),
        )
        return state

    def compiled(self, steps: int) -> Any:
        """Returns the Keras model whose `train_step` is a step of this phase.

        Args:
          steps: Steps of an epoch.
        """
        train = self.task.train
        with self.placement.strategy.scope():
            model = augmentation.wrap(
                self.built.model,
                train.augment,
                masks=self.task.problem.moves_with_image,
            )
            model.compile(
                optimizer=make_optimizer(train.optimizer, self.phase, steps),
                loss=self.task.problem.loss(train.label_smoothing),
                weighted_metrics=self.task.problem.training_metrics(),
                steps_per_execution=self._steps_per_execution(steps),
                jit_compile=train.xla or None,
            )
            model.optimizer.build(model.trainable_variables)
        return model

    @property
    def phase(self) -> Phase:
        """The phase."""
        return self.task.phases[self.index]

    def _begin(self, state: State, resumed: bool) -> int:
        """Adds the phase to the history; returns its first epoch, counted from 1."""
        history = state.history
        if not history:
            history.update(
                epochs=[],
                phases=[],
                monitor=self.task.train.best_metric or self.task.problem.monitor,
                placement=self.placement.description,
                examples={"train": self.train_split.count, "eval": self.eval_split.count},
            )
        if not resumed:
            state.phase, state.phase_over, state.optimizer = self.index, False, []
            history["phases"].append(
                {
                    "name": name(self.task, self.index),
                    "first_epoch": state.epoch + 1,
                    "last_epoch": state.epoch,
                    "trainable": str(self.phase.trainable),
                    "trainable_count": self.built.trainable_count,
                    "frozen_count": self.built.frozen_count,
                }
            )
        return history["phases"][-1]["first_epoch"]

    def _steps_per_execution(self, steps: int) -> int:
        asked = self.task.train.steps_per_execution
        if asked is not None:
            return min(asked, steps)
        size = self.task.train.batch_size * self.task.input.size
        # A TPU waits for its host between calls, however long a step takes.
        grouped = self.placement.device == "tpu" or size <= _SMALL_STEP_BYTES
        return min(steps, _STEPS_PER_CALL) if grouped else 1

    def _callbacks(self, keeper: "_Checkpointer", epochs: int, steps: int) -> Any:
        # The order matters: nothing of a failed epoch is kept, the history records the learning
        # rate before a plateau lowers it, and the state is saved after all callbacks are updated.
        listed: list[Any] = [
            callbacks.StopOnNaN(every=1 if self.placement.device == "cpu" else 50),
            keeper.recorder,
        ]
        listed += keeper.counting.values()
        if self.placement.is_chief:
            listed += [
                # Without graph and profile, which take longer than a small training.
                tf_keras.callbacks.TensorBoard(
                    f"{self.log_dir}/{name(self.task, self.index)}",
                    write_graph=False,
                    profile_batch=0,
                ),
                callbacks.Progress(epochs=epochs, steps=steps),
            ]
        return [*listed, keeper]


class _Recorder(tf_keras.callbacks.Callback):
    """Writes the epoch into the history and starts the epoch's random streams."""

    def __init__(self, keeper: "_Checkpointer", seed: int) -> None:
        super().__init__()
        self._keeper, self._seed = keeper, seed
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock and the random streams."""
        del logs
        self._started = time.monotonic()
        resume.reseed(self.model, self._seed, epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Appends the epoch."""
        self._keeper.record(epoch + 1, logs or {}, time.monotonic() - self._started)


class _Checkpointer(tf_keras.callbacks.Callback):
    """Updates the state and, if requested, saves it."""

    def __init__(self, run: PhaseRun, state: State, steps: int) -> None:
        super().__init__()
        self._run, self._state, self._steps = run, state, steps
        train = run.task.train
        self.recorder = _Recorder(self, train.seed)
        self._schedule = run.phase.learning_rate
        self.counting: dict[str, Any] = {}
        if train.best_metric:
            self.counting["best"] = callbacks.KeepBest(train.best_metric, run.built.model)
            if "best" in state.watches:
                self.counting["best"].restore(state.watches["best"], state.best)
        if train.reduce_on_plateau:
            self.counting["plateau"] = callbacks.Plateau(train.reduce_on_plateau)
        if train.early_stopping:
            self.counting["early"] = callbacks.StopEarly(train.early_stopping)
        if state.optimizer:
            for key in ("plateau", "early"):
                if key in self.counting:
                    self.counting[key].watch.restore(state.watches[key])

    def record(self, epoch: int, logs: dict[str, Any], seconds: float) -> None:
        """Appends the epoch to the history."""
        history = self._state.history
        history["epochs"].append(
            {
                "epoch": epoch,
                "phase": self._run.index,
                **{k: float(v) for k, v in logs.items()},
                "learning_rate": current_rate(self.model.optimizer),
                "seconds": round(seconds, 3),
            }
        )
        history["phases"][-1]["last_epoch"] = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Updates the state for this epoch."""
        del logs
        state = self._state
        state.epoch, state.step = epoch + 1, state.step + self._steps
        state.watches = {key: c.state() for key, c in self.counting.items()}
        first = state.history["phases"][-1]["first_epoch"]
        over = epoch + 1 >= first - 1 + self._run.phase.epochs
        state.phase_over = over or bool(self.model.stop_training)
        best = self.counting.get("best")
        if best is not None:
            state.best, state.history["best_epoch"] = best.weights, best.epoch
        if self._run.checkpoint_dir is None:
            return
        # Reading may be a collective operation, so every worker reads and the chief writes.
        state.weights = self._run.built.model.get_weights()
        state.optimizer = [v.numpy() for v in optimizer_variables(self.model)]
        if not self._run.placement.is_chief:
            return
        resume.save(
            state,
            self._run.checkpoint_dir,
            self._run.digest,
            best_changed=best is not None and best.epoch == epoch + 1,
        )


def make_optimizer(settings: Optimizer, phase: Phase, steps: int) -> Any:
    """Returns the `tf_keras` optimiser of a phase with `steps` steps each epoch."""
    rate = phase.learning_rate
    if not isinstance(rate, float | int):
        rate = rate.build(steps * phase.epochs)
    kinds = {
        "adam": tf_keras.optimizers.Adam,
        "rmsprop": tf_keras.optimizers.RMSprop,
        "sgd": tf_keras.optimizers.SGD,
    }
    given = {"epsilon": settings.epsilon, "momentum": settings.momentum}
    return kinds[settings.name](rate, **{k: v for k, v in given.items() if v is not None})


def optimizer_variables(model: Any) -> list[Any]:
    """Returns the variables of a compiled model's optimiser, slots and iterations."""
    variables = model.optimizer.variables
    return list(variables() if callable(variables) else variables)


def current_rate(optimizer: Any) -> float:
    """Returns the learning rate at the optimiser's current step."""
    rate = getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
    # A mirrored variable is not a number until it is read.
    return float(tf.convert_to_tensor(rate(optimizer.iterations) if callable(rate) else rate))
