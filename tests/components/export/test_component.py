from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Serving, Task

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(3)
    network = tf_keras.Sequential(
        [
            layers.Input((12, 10, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(16, "relu"),
            layers.Dense(3, "softmax", kernel_initializer="random_normal"),
        ]
    )
    task = Task(
        name="tiny",
        source=ImageFolders(),
        problem=Classification(classes=("a", "b", "c")),
        input=Images(height=12, width=10),
        model=Network(),
        phases=(Phase(epochs=1),),
    )
    folder = tmp_path_factory.mktemp("model") / "saved"
    serving.save(network, task, str(folder))
    return str(folder)


def _pixels(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 12, 10, 3), np.uint8)


@pytest.mark.parametrize("export_format", ["tflite", "tflite_int8", "onnx"])
def test_a_format_agrees_with_the_saved_model(
    export_format: str, model: str, tmp_path: Path
) -> None:
    import tensorflow as tf

    from components.export import component as export_component

    inputs = [_pixels(8), _pixels(3)]
    found = export_component.export(
        [export_format], model, str(tmp_path), list(_pixels(20)), inputs
    )
    contents = Path(found[export_format]["file"]).read_bytes()
    assert found[export_format]["examples"] == 11 and found[export_format]["bytes"] == len(contents)
    loaded = tf.saved_model.load(model)
    wanted = loaded.network(inputs[1]).numpy()
    assert wanted.shape == (3, 3)
    got = export_component.runner(export_format, contents)(inputs[1])
    np.testing.assert_allclose(got, wanted, atol=0.1 if export_format == "tflite_int8" else 1e-5)


def test_a_form_that_differs_is_no_file() -> None:
    from components.export import component as export_component

    wanted = np.array([[0.9, 0.1], [0.2, 0.8]])
    same = export_component.difference(wanted, wanted + 1e-7, classes=True)
    export_component.check("onnx", same)
    swapped = export_component.difference(wanted, wanted[:, ::-1], classes=True)
    assert swapped.other_class == 1.0 and swapped.largest == pytest.approx(0.8)
    with pytest.raises(
        export_component.FormatError, match=r"onnx differs .* largest 0\.8, but the tolerance"
    ):
        export_component.check("onnx", swapped)
    broken = export_component.difference(wanted, wanted * np.nan, classes=True)
    with pytest.raises(export_component.FormatError, match="largest nan"):
        export_component.check("tflite_int8", broken)


def test_one_output_is_judged_at_one_half() -> None:
    from components.export import component as export_component

    wanted, got = np.array([[0.4], [0.6]]), np.array([[0.6], [0.7]])
    assert export_component.difference(wanted, got, classes=True).other_class == 0.5
    far: Any = export_component.difference(100 * wanted, 100 * got, classes=False)
    assert far.other_class == 0.0 and far.largest == pytest.approx(0.5)


def test_an_unknown_format_is_refused_by_the_task() -> None:
    with pytest.raises(ValueError, match="formats must be one of tflite, tflite_int8, onnx"):
        Serving(formats=("coreml",))
