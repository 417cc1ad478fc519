"""A network goes on from an exported one: every variable at its place, whatever the network."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from trainer_modules.engine.networks import continued, models
from trainer_modules.engine.problems import Classification, Segmentation
from trainer_modules.engine.saved_model import read, write
from trainer_modules.engine.task.layers import BatchNorm, Conv, Dense, Flatten, MaxPool
from trainer_modules.engine.task.task import EncoderDecoder, Everything, HeadOnly, Network, Task

CONVOLUTIONS = Network(
    layers=(Conv(4), BatchNorm(), MaxPool(), Conv(6), Flatten(), Dense(8, "relu"))
)


def exported(task: Task, folder: Path, seed: int = 1) -> tuple[Any, list[continued.Variable]]:
    """Returns a network with weights of its own everywhere, and its variables as exported."""
    tf_keras.utils.set_random_seed(seed)
    built = models.build(task)
    rng = np.random.default_rng(seed)
    built.model.set_weights(
        [
            (rng.uniform(0.5, 1.5, w.shape) * (w if w.any() else 1)).astype(w.dtype)
            for w in built.model.get_weights()
        ]
    )
    # A phase that froze the base does not change the order of the variables.
    models.set_trainable(built, task.phases[-1])
    write.save(built.model, task, str(folder))
    return built.model, read.variables(str(folder))


def images(task: Task) -> np.ndarray:
    shape = (4, *task.input.shape)
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def test_the_stored_variables_are_those_of_the_loaded_model(
    tiny: Callable[..., Task], tmp_path: Path
) -> None:
    model, variables = exported(tiny(model=CONVOLUTIONS), tmp_path / "model")
    loaded = read.SavedModel(str(tmp_path / "model")).module.model_variables
    assert [name for name, _ in variables] == [v.name.partition(":")[0] for v in loaded]
    for (_, stored), there, own in zip(variables, loaded, model.get_weights(), strict=True):
        np.testing.assert_array_equal(stored, there.numpy())
        np.testing.assert_array_equal(stored, own)


@pytest.mark.parametrize(
    "trainable", [HeadOnly(), pytest.param(Everything(), marks=pytest.mark.slow)]
)
def test_a_base_with_batch_norm_answers_old_classes_as_before(
    trainable: Any, network_task: Callable[..., Task], tmp_path: Path
) -> None:
    """Of the classes that both know, the probabilities have the same ratios."""
    # Its layers have names that Keras counts through the process.
    task = network_task("MobileNetV2", 32, weights="none", alpha=0.35)
    phase = dataclasses.replace(task.phases[0], trainable=trainable)
    task = dataclasses.replace(task, phases=(phase,))
    model, variables = exported(task, tmp_path / "model")
    grown = dataclasses.replace(task, problem=Classification(classes=("c", "new", "a", "b")))
    tf_keras.utils.set_random_seed(5)
    again = models.build(grown).model
    how = grown.problem.continued(task.problem)
    assert how is not None
    again.set_weights(continued.weights(again, variables, how))
    before = np.log(model(images(task)).numpy())
    after = np.log(again(images(task)).numpy())[:, [2, 3, 0]]
    np.testing.assert_allclose(
        after - after.mean(-1, keepdims=True), before - before.mean(-1, keepdims=True), atol=1e-4
    )


@pytest.mark.slow
def test_a_network_whose_layers_are_counted_goes_on(
    network_task: Callable[..., Task], tmp_path: Path
) -> None:
    """The layers of InceptionV3 have no names: the second network in a process has others."""
    task = network_task("InceptionV3", 75, weights="none")
    model, variables = exported(task, tmp_path / "model")
    again = models.build(task).model
    how = task.problem.continued(task.problem)
    assert how is not None
    again.set_weights(continued.weights(again, variables, how))
    for left, right in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.slow
def test_the_decoder_of_a_segmentation_goes_on(
    network_task: Callable[..., Task], tmp_path: Path
) -> None:
    task = dataclasses.replace(
        network_task("MobileNetV2", 32),
        problem=Segmentation(classes=("road", "sky")),
        model=EncoderDecoder(name="MobileNetV2", weights="none", alpha=0.35, filters=(8, 4)),
    )
    model, variables = exported(task, tmp_path / "model")
    other = dataclasses.replace(task, problem=Segmentation(classes=("sky", "road")))
    again = models.build(other).model
    how = other.problem.continued(task.problem)
    assert how is not None
    again.set_weights(continued.weights(again, variables, how))
    np.testing.assert_allclose(
        again(images(task)).numpy()[..., ::-1], model(images(task)).numpy(), atol=1e-5
    )


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ((Flatten(), Dense(9, "relu")), "dense/kernel"),
        ((Flatten(),), "it has 4 variables, and this network has 2"),
        ((Conv(4), Flatten()), "conv"),
    ],
)
def test_another_network_is_told(
    layers: tuple[Any, ...], says: str, tiny: Callable[..., Task], tmp_path: Path
) -> None:
    task = tiny(model=Network(layers=(Flatten(), Dense(8, "relu"))))
    _, variables = exported(task, tmp_path / "model")
    other = models.build(tiny(model=Network(layers=layers))).model
    how = task.problem.continued(task.problem)
    assert how is not None
    with pytest.raises(ValueError, match=says):
        continued.weights(other, variables, how)
