"""A published network as a `model` artifact: it answers, or is refused before it is written."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines import tasks
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides

HEIGHT, WIDTH, CLASSES = 16, 24, 32
SMALL = (f"input.height={HEIGHT}", f"input.width={WIDTH}")


@pytest.mark.usefixtures("tfx_ready")
def test_the_artifact_is_a_model_that_answers_as_the_network(tmp_path: Path) -> None:
    import tensorflow as tf
    from tfx.types import standard_artifacts

    from components.pretrained.component import PretrainedModel

    class ByRed(tf.Module):
        """Says the class whose number is 31 × red."""

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
        def __call__(self, images: Any) -> Any:
            return -10 * (images[..., :1] * (CLASSES - 1) - tf.range(float(CLASSES))) ** 2

    tf.saved_model.save(ByRed(), str(tmp_path / "published"))
    task = tasks.load("camvid:pretrained", SMALL, str(tmp_path / "published"))
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "artifact")
    PretrainedModel.test_call(model=artifact, task=overrides.to_json(task))

    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    # The folder in which TFX's Evaluator and Pusher look for what is served.
    served = tf.saved_model.load(str(tmp_path / "artifact" / "Format-Serving"))
    answer = served.signatures["serving_default"](image_bytes=tf.constant([buffer.getvalue()]))
    ids = np.asarray(Image.open(io.BytesIO(answer["mask_png"].numpy()[0])))
    np.testing.assert_array_equal(ids, np.rint(pixels[..., 0] / 255 * (CLASSES - 1)))


@pytest.mark.parametrize(
    ("task", "shape", "taken"),
    [
        ("imagenet", (None, 1000), True),
        ("imagenet", (None, 1001), False),
        ("imagenet", (None, 2048), False),
        # Without its classifier a network keeps a grid, however many channels that has.
        ("imagenet", (None, 7, 7, 1000), False),
        ("camvid:pretrained", (None, HEIGHT, WIDTH, 32), True),
        ("camvid:pretrained", (None, 32), False),
    ],
)
@pytest.mark.usefixtures("tfx_ready")
def test_a_network_without_a_probability_for_each_class_is_not_written(
    monkeypatch: pytest.MonkeyPatch, task: str, shape: tuple[int | None, ...], taken: bool
) -> None:
    from components.pretrained import component

    network, written = SimpleNamespace(output_shape=shape), []
    monkeypatch.setattr(component.models, "build", lambda _: SimpleNamespace(model=network))
    monkeypatch.setattr(component.serving, "save", lambda *given: written.append(given))
    recipe = tasks.load(task)
    if taken:
        component.export(recipe, "/folder")
        assert written == [(network, recipe, "/folder")]
        return
    with pytest.raises(BadInputError, match="must return (1,000|32) probabilities") as refused:
        component.export(recipe, "/folder")
    assert str(shape) in str(refused.value) and "include_top=true" in str(refused.value)
    assert not written
