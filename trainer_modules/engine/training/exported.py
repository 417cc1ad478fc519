"""The exported network: float32, without a strategy, and checked against the trained one.

A low-precision graph is fast where it was trained and slow or impossible elsewhere: a server
without an accelerator takes fifty times as long for float16. And variables of a strategy can only
be read together with all its workers. So both kinds are copied, layer by layer, from the trained
network's own configuration; it is not rebuilt from the task, which need not give the same network
twice. The exported network must then give the same outputs for training images as the trained one,
or the run stops before it writes anything.
"""

import functools
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from trainer_modules.engine.errors import TrainingError
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training import examples
from trainer_modules.engine.training.input_pipeline import Split
from trainer_modules.engine.training.strategy import Placement

_log = logging.getLogger("tfx_vision")

SAMPLE = 16
"""Training images for which both networks must give the same outputs."""

EXACT = 2e-3
"""Largest relative difference (see `difference`) between two computations in float32.

They add up in another order, and one of them may be compiled by XLA: 1e-6 is usual.
"""

ROUNDING = 3.0
"""How many times the difference that low precision makes is allowed.

What rounding does to a network depends on the network: to one that was not trained long, bfloat16
may do half of the size of its outputs. So it is measured, between the float32 copy and one that
keeps the types of the training. The devices of the training round in another order than the host
that this is measured on, and so end up elsewhere, about as far away.
"""

PRODUCTS = 0.25
"""What is allowed where a float32 training multiplies in fewer digits: TF32 on GPUs, bfloat16 on
TPUs. The sums are float32 there, so this is an upper end of what low precision does.
"""

_LOW = ("float16", "bfloat16")


@dataclass(frozen=True)
class Trained:
    """A trained network where it was trained.

    Attributes:
      model: The network, as the training left it.
      placement: Its devices and precision.
      task: Its task.
    """

    model: Any
    placement: Placement
    task: Recipe


def network(trained: Trained) -> Any:
    """Returns the network to export.

    All workers of the training must call this, as reading the weights may take all of them.
    """
    values = trained.model.get_weights()
    # Each replica has moving averages of its own; what is exported, and compared, is their mean.
    trained.model.set_weights(values)
    place = trained.placement
    if place.replicas == 1 and place.precision == "float32" and place.device != "tpu":
        return trained.model
    with host(trained):
        copy = _copy(trained.model)
        copy.set_weights(values)
    return copy


def host(trained: Trained) -> Any:
    """Keeps the exported network off a TPU, which computes only within its strategy."""
    return tf.device("/CPU:0" if trained.placement.device == "tpu" else None)


def _copy(model: Any, *, float32: bool = True) -> Any:
    """Returns a copy of `model` with new weights of arbitrary values.

    Args:
      model: The network, or a part of it.
      float32: Whether the copy computes entirely in float32; otherwise like `model`.
    """
    same_types = functools.partial(_copy, float32=float32)
    # Parts without a configuration implement their own copy.
    if hasattr(model, "copied"):
        return model.copied(same_types)

    def copied_layer(layer: Any) -> Any:
        if hasattr(layer, "copied") or isinstance(layer, tf_keras.Model):
            return same_types(layer)
        config = layer.get_config()
        if float32 and layer.compute_dtype in _LOW:
            config["dtype"] = "float32"
        if config.get("synchronized"):
            # There are no other replicas, and the synchronised form has no fused kernel.
            config["synchronized"] = False
        return type(layer).from_config(config)

    return tf_keras.models.clone_model(model, clone_function=copied_layer)


def check(trained: Trained, exported: Any, split: Split) -> None:
    """Raises TrainingError unless `exported` computes the same as the trained network.

    Both get the first images of the training split: the trained network on every replica, in its
    own precision; the other one as the function that the SavedModel will hold.
    """
    inputs = _sample(split)
    problem = trained.task.problem
    form = {"rows": not problem.answers_probabilities, "competing": problem.competing}
    with host(trained):
        outputs = serving.network(exported, trained.task)(inputs).numpy()
        allowed = _allowed(trained, exported, inputs, outputs, form)
    for replica, expected in enumerate(_trained_outputs(trained, inputs)):
        if not (np.isfinite(expected).all() and np.isfinite(outputs).all()):
            raise TrainingError(
                f"the trained network (precision {trained.placement.precision}) or its float32 "
                f"copy returns non-finite numbers for {len(inputs)} of its own training images, "
                "so nothing was exported. Lower the learning rate, or train with --set "
                "train.precision=float32."
            )
        apart = difference(expected, outputs, **form)
        _log.info(
            "exported network: differs by %.2g from the trained network, allowed %.2g",
            apart,
            allowed,
        )
        if not apart <= allowed:
            raise TrainingError(
                "the network to export does not compute the same as the trained network: on "
                f"{len(inputs)} training examples its outputs differ by {apart:.1%} from those of "
                f"replica {replica + 1} of {trained.placement.replicas} "
                f"({trained.placement.description}; rounding explains at most {allowed:.1%}), so "
                "nothing was exported. This is a bug in tfx-vision, not a problem of the data. "
                "Please report it with the task's model and weights; --set "
                "train.precision=float32 on one device may avoid it."
            )


def _allowed(
    trained: Trained,
    exported: Any,
    inputs: np.ndarray,
    actual: np.ndarray,
    form: dict[str, bool],
) -> float:
    place = trained.placement
    if place.precision == "float32":
        return EXACT if place.device == "cpu" else PRODUCTS
    low = _copy(trained.model, float32=False)
    low.set_weights(exported.get_weights())
    answers = tf.cast(low(inputs, training=False), tf.float32).numpy()
    return EXACT + ROUNDING * difference(actual, answers, **form)


def difference(
    expected: np.ndarray, actual: np.ndarray, *, rows: bool = False, competing: bool = True
) -> float:
    """Returns the root mean square difference, relative to that of `expected`.

    Probabilities are compared as logits, since that is where rounding is proportional: the
    logarithm, less its mean over the classes; or, where each class has a probability of its own,
    the logarithm of the odds.

    Args:
      expected: Outputs float `[batch, …, outputs]`.
      actual: The same of the other network.
      rows: Whether the outputs are plain numbers and not probabilities.
      competing: Whether the probabilities of an example sum to 1.
    """
    a, b = (
        part.astype(np.float64) if rows else _logits(part, competing=competing)
        for part in (expected, actual)
    )
    # Logits of an undecided network are near 0 and may be only rounding errors.
    scale = max(float(np.sqrt(np.mean(a**2))), 1e-2)
    return float(np.sqrt(np.mean((a - b) ** 2))) / scale


def _logits(probabilities: np.ndarray, *, competing: bool) -> np.ndarray:
    wide = probabilities.astype(np.float64)
    if probabilities.shape[-1] == 1 or not competing:
        # Closer to 1, a float32 is too coarse to tell odds from each other.
        certain = np.clip(wide, 1e-4, 1 - 1e-4)
        return np.log(certain) - np.log(1 - certain)
    logs = np.log(np.clip(wide, 1e-12, 1.0))
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True))


def _sample(split: Split) -> np.ndarray:
    if split.memory is not None:
        return split.memory[0][:SAMPLE]
    stream = examples.in_order(split.shards).take(SAMPLE)
    return np.stack([examples.decode(split.task, record)[0].numpy() for record in stream])


def _trained_outputs(trained: Trained, inputs: np.ndarray) -> list[np.ndarray]:
    """Returns float32 outputs of each replica of this worker."""
    strategy, model = trained.placement.strategy, trained.model

    @tf.function(jit_compile=trained.task.train.xla or None)
    def answered(batch: Any) -> Any:
        return tf.cast(model(batch, training=False), tf.float32)

    @tf.function
    def everywhere(batch: Any) -> Any:
        return strategy.run(answered, args=(batch,))

    outputs = everywhere(tf.constant(inputs))
    return [part.numpy() for part in strategy.experimental_local_results(outputs)]
