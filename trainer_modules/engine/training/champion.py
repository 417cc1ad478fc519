"""The model that a training starts from: whether it can, with which weights, and in which phases.

A network goes on from another one if both are the same up to their outputs. What does not change
its layers may differ: rates of dropout, the published weights that it once began with, how images
are resized and stored.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import continued
from trainer_modules.engine.networks import weights as weights_files
from trainer_modules.engine.problems.continuation import Continuation
from trainer_modules.engine.saved_model import read, versions
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.task import Backbone, EncoderDecoder, HeadOnly, Phase, Recipe

_HARMLESS = frozenset(
    # Of the layers and the base.
    ("rate", "momentum", "batch_norm_momentum", "weights")
    # Of images and columns.
    + ("resize", "antialias", "store", "jpeg_quality", "shown")
)


class CannotContinueError(Exception):
    """The training cannot start from the champion; the text is the reason, as half a sentence."""


@dataclass(frozen=True, kw_only=True)
class Champion:
    """A model from which a network of a task can go on.

    Attributes:
      variables: Names and values of its variables, in the order of its network's `weights`.
      continuation: How the outputs go on.
      added: Classes that it does not know.
      removed: Classes that only it knows.
    """

    variables: Sequence[continued.Variable]
    continuation: Continuation
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def start(self, model: Any) -> str:
        """Sets the weights of `model`, an initialised network; returns a digest of them.

        Raises:
          CannotContinueError: If the networks differ in more than their outputs.
        """
        try:
            started = continued.weights(model, self.variables, self.continuation)
        except ValueError as error:
            raise CannotContinueError(str(error)) from error
        model.set_weights(started)
        return digest(started)


def digest(values: Sequence[np.ndarray]) -> str:
    """Returns a SHA-256 over the bytes of arrays."""
    total = hashlib.sha256()
    for value in values:
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


def find(task: Recipe, model: str) -> Champion:
    """Returns the champion in the SavedModel `model` for a training of `task`.

    Args:
      task: The recipe, its classes known and its problem fitted.
      model: Folder of the SavedModel; "" for none.

    Raises:
      CannotContinueError: If there is none, or the network of `task` cannot go on from it.
    """
    if not model or not versions.is_saved_model(model):
        raise CannotContinueError("there is no blessed model of other data yet")
    try:
        earlier = read.task(model)
        if earlier is None:
            raise CannotContinueError("the last model does not say how it was trained")
        _check_same_network(task, earlier)
        how = task.problem.continued(earlier.problem)
        if how is None:
            raise CannotContinueError(
                f"the last model solves another problem, {_in_words(earlier)} instead of "
                f"{_in_words(task)}"
            )
        variables = read.variables(model)
    except BadInputError as error:
        raise CannotContinueError(f"the last model cannot be read: {error}") from error
    now, before = task.problem.names, earlier.problem.names
    return Champion(
        variables=variables,
        continuation=how,
        added=tuple(name for name in now if name not in before),
        removed=tuple(name for name in before if name not in now),
    )


def _in_words(task: Recipe) -> str:
    return " ".join(filter(None, (task.problem.title, task.problem.predicted_number)))


def _check_same_network(task: Recipe, earlier: Recipe) -> None:
    for part in ("input", "model"):
        now, before = (_layers(getattr(recipe, part)) for recipe in (task, earlier))
        values = dict(_flat(part, now)), dict(_flat(part, before))
        for key in sorted({*values[0], *values[1]}):
            new, old = (one.get(key, "nothing") for one in values)
            if new != old:
                raise CannotContinueError(
                    f"the last model has another network: its {key} is {old}, here it is {new}"
                )


def _layers(part: Any) -> dict[str, Any]:
    """Returns what decides on the layers, as plain data."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(inner) for key, inner in value.items() if key not in _HARMLESS}
        return [kept(inner) for inner in value] if isinstance(value, list) else value

    plain: dict[str, Any] = kept(serialisation.to_plain(part))
    path = getattr(part, "weights", "")
    # A SavedModel is itself the base, whatever `name` says.
    return plain | ({"weights": path} if path and weights_files.is_saved_model(path) else {})


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _flat(f"{prefix}.{key}", inner)
    else:
        yield prefix, value


def shortened(task: Recipe, champion: Champion) -> Recipe:
    """Returns the recipe with the phases of a training that starts from a champion.

    Each phase has a fraction of its epochs. Phases that only prepare a new head for a base that
    is trained later are left out where no output is new; where one is, and there is no such phase,
    one is put in front, so that the first large steps of a new row leave the base as it is.

    Args:
      task: The recipe, `train.epochs` applied.
      champion: What the training starts from.
    """
    warm = task.train.warm
    phases = list(task.phases)
    learns_base = any(not isinstance(phase.trainable, HeadOnly) for phase in phases)
    if learns_base and not champion.continuation.has_new:
        while isinstance(phases[0].trainable, HeadOnly):
            del phases[0]
    # A new row has as far to go as in any training.
    factor = 1.0 if champion.continuation.has_new else warm.learning_rate
    adapted = [_shortened(phase, warm.epochs, factor) for phase in phases]
    if _needs_head_phase(task, phases, champion) and warm.head_epochs:
        head = dataclasses.replace(
            phases[0], trainable=HeadOnly(), epochs=warm.head_epochs, validation_freq=1
        )
        adapted.insert(0, head)
    return dataclasses.replace(task, phases=tuple(adapted))


def _needs_head_phase(task: Recipe, phases: Sequence[Phase], champion: Champion) -> bool:
    has_base = isinstance(task.model, Backbone | EncoderDecoder)
    first = isinstance(phases[0].trainable, HeadOnly)
    return has_base and not first and champion.continuation.has_new


def _shortened(phase: Phase, epochs: float, factor: float) -> Phase:
    if isinstance(phase.trainable, HeadOnly):
        factor = 1.0
    rate = phase.learning_rate
    scaled = rate * factor if isinstance(rate, int | float) else rate.scaled(factor, epochs)
    return dataclasses.replace(
        phase, epochs=max(1, round(phase.epochs * epochs)), learning_rate=scaled
    )
