"""One contract for every input: from the raw Example to what is stored, computed and served."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.inputs.columns import Columns
from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.inputs.images import Images
from trainer_modules.engine.problems import Classification, Problem, Regression
from trainer_modules.engine.task.layers import Flatten
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Network, Phase, Task

GREY = Images(height=5, width=6, channels=1, resize="nearest")
COLOUR = Images(height=5, width=6, resize="nearest", scaling="none")
ROWS = Columns(names=("rooms", "age"))
INPUTS = {"grey": GREY, "colour": COLOUR, "rows": ROWS}
RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (4, 5, 6, 3), np.uint8)
NUMBERS = RNG.normal(size=(4, 2)).astype(np.float32)


def raw_examples(given: Input) -> tuple[list[bytes], np.ndarray]:
    """Serialized raw Examples, written by hand, and the network's inputs for them."""
    import tensorflow as tf

    serialized = []
    for pixels, row in zip(PIXELS, NUMBERS, strict=True):
        example = tf.train.Example()
        if given.columns:
            for name, value in zip(("age", "rooms"), row[::-1], strict=True):
                example.features.feature[name].float_list.value.append(value)
        else:
            file = io.BytesIO()
            picture = Pillow.fromarray(pixels)
            (picture.convert("L") if given is GREY else picture).save(file, "PNG")
            example.features.feature["image"].bytes_list.value.append(file.getvalue())
        serialized.append(example.SerializeToString())
    if given.columns:
        return serialized, NUMBERS
    grey = [np.asarray(Pillow.fromarray(p).convert("L"))[..., np.newaxis] for p in PIXELS]
    return serialized, np.stack(grey) if given is GREY else PIXELS


@pytest.fixture(params=INPUTS, scope="module")
def given(request: pytest.FixtureRequest) -> Input:
    return INPUTS[request.param]


def test_raw_examples_become_the_networks_inputs(given: Input) -> None:
    import tensorflow as tf

    serialized, expected = raw_examples(given)
    inputs = given.network_inputs(tf.io.parse_example(serialized, given.raw_spec())).numpy()
    np.testing.assert_array_equal(inputs, expected)
    assert inputs.dtype == given.dtype and inputs.shape[1:] == given.shape
    assert inputs[0].size == given.values and inputs[0].nbytes == given.size
    assert given.tensor_spec().is_compatible_with(tf.constant(inputs))


def test_what_is_stored_comes_back_unchanged(given: Input) -> None:
    import tensorflow as tf

    serialized, expected = raw_examples(given)
    stored = given.transformed(tf.io.parse_example(serialized, given.raw_spec()))
    assert set(stored) == set(given.stored_spec())
    for i, one in enumerate(expected):
        back = given.stored_input({name: values[i] for name, values in stored.items()})
        np.testing.assert_array_equal(back, one)


@pytest.mark.parametrize("problem", [Regression(target="y"), Classification(classes=("a", "b"))])
def test_a_network_of_any_problem_is_built_saved_and_served(
    given: Input, problem: Problem, tmp_path: Path
) -> None:
    """Against the Keras model itself; an image regression needs nothing of its own."""
    import tensorflow as tf

    from trainer_modules.engine.networks import models
    from trainer_modules.engine.saved_model import write

    layers = (Flatten(),)
    task = Task(
        name="any",
        source=ImageFolders(),
        input=given,  # type: ignore[arg-type]
        problem=problem,
        model=Network(layers=layers),
        phases=(Phase(epochs=1),),
    )
    model = models.build(task).model
    serialized, inputs = raw_examples(given)
    expected = problem.served(model(inputs))
    write.save(model, task, str(tmp_path / "model"))
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    raw = tf.io.parse_example(serialized, given.raw_spec())
    asked = {name: raw[feature] for name, feature in given.served.items()}
    for answer in (
        signatures["serving_default"](**asked),
        signatures["examples"](examples=tf.constant(serialized)),
    ):
        assert set(answer) == set(problem.served_outputs)
        for name, value in expected.items():
            if value.dtype == tf.string:
                assert value.numpy().tolist() == answer[name].numpy().tolist()
            else:
                np.testing.assert_allclose(answer[name], value, rtol=1e-5, atol=1e-6)


def test_generated_examples_are_raw_examples_and_the_same_each_time(given: Input) -> None:
    import tensorflow as tf

    made = given.generated(5)
    assert len(made) == 5 and made == given.generated(5)
    spec: dict[str, Any] = {**given.raw_spec(), "id": tf.io.FixedLenFeature([], tf.string)}
    parsed = tf.io.parse_example(list(made.values()), spec)
    assert [name.decode() for name in parsed.pop("id").numpy()] == list(made)
    assert given.network_inputs(parsed).shape == (5, *given.shape)


@pytest.mark.parametrize(
    ("given", "statistics", "expected"),
    [
        (GREY, None, lambda x: x / 255),
        (COLOUR, None, lambda x: x),
        (
            dataclasses.replace(COLOUR, scaling="standardise"),
            ([1.0, 2.0, 3.0], [2.0, 4.0, 8.0]),
            lambda x: (x - [1, 2, 3]) / [2, 4, 8],
        ),
        (ROWS, None, lambda x: x),
        (
            dataclasses.replace(ROWS, standardise=True),
            ([1.0, 2.0], [2.0, 4.0]),
            lambda x: (x - [1, 2]) / [2, 4],
        ),
    ],
)
def test_the_first_layers_scale(given: Input, statistics: Any, expected: Any) -> None:
    import tf_keras

    layer = given.input_layer()
    scaled = tf_keras.Model(layer, given.scaled(layer, statistics))
    inputs = NUMBERS if given.columns else PIXELS[..., : given.shape[-1]]
    np.testing.assert_allclose(
        scaled(inputs), expected(inputs.astype(np.float64)), rtol=1e-5, atol=1e-6
    )
    assert given.standardises == (statistics is not None)
    if statistics is None:
        return
    with pytest.raises(BadInputError, match="the mean and standard deviation"):
        given.scaled(layer, None)
    with pytest.raises(BadInputError, match="must vary"):
        given.scaled(layer, (statistics[0], [0.0, *statistics[1][1:]]))
