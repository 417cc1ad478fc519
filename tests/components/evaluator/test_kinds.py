"""ImageEvaluator on problems whose served prediction is one tensor: numbers and masks."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn import metrics as sk

from trainer_modules.engine.problems import Regression, Segmentation
from trainer_modules.engine.task.sources import Table, TFRecords
from trainer_modules.engine.task.task import Columns, Images, Network, Phase, Task

RNG = np.random.default_rng(0)


def saved(folder: Path, key: str, name: str, dtype: Any) -> Any:
    """Writes a model that answers `name` with the example's feature `key`."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    class Echo(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: Any) -> Any:
            spec = {key: tf.io.FixedLenFeature([], dtype)}
            return {name: tf.io.parse_example(examples, spec)[key]}

    module = Echo()
    tf.saved_model.save(
        module,
        str(folder / "Format-Serving"),
        signatures={"examples": module.serve, "serving_default": module.serve},
    )
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def test_regression_equals_scikit_learn(tmp_path: Path, write_examples: Any, evaluate: Any) -> None:
    import tensorflow as tf

    truth = RNG.normal(20, 5, size=80).astype(np.float32)
    guess = (truth + RNG.normal(size=80)).astype(np.float32)
    rows = [
        {"rooms": float(g), "price": float(t), "id": str(i).encode(), "town": b"AB"[i % 2 :][:1]}
        for i, (t, g) in enumerate(zip(truth, guess, strict=True))
    ]
    task = Task(
        name="prices",
        source=Table(),
        input=Columns(names=("rooms",)),
        problem=Regression(target="price"),
        model=Network(),
        phases=(Phase(epochs=1),),
        slices=("town",),
    )
    examples = write_examples(tmp_path / "examples", {"eval": rows})
    model = saved(tmp_path / "model", "rooms", "value", tf.float32)
    report = evaluate(
        tmp_path / "out",
        examples,
        model,
        task,
        saved(tmp_path / "baseline", "price", "value", tf.float32),
    )
    assert report["metrics"]["mse"] == pytest.approx(sk.mean_squared_error(truth, guess), abs=1e-6)
    assert report["metrics"]["r2"] == pytest.approx(sk.r2_score(truth, guess), abs=1e-6)
    assert report["slices"]["town=A"]["metrics"]["mae"] == pytest.approx(
        sk.mean_absolute_error(truth[::2], guess[::2]), abs=1e-6
    )
    assert report["baseline"]["metrics"]["mse"] == 0.0
    assert report["per_class"] == {}


def png(ids: np.ndarray) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(ids.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_masks_equal_scikit_learn(tmp_path: Path, write_examples: Any, evaluate: Any) -> None:
    import tensorflow as tf

    truth = RNG.integers(0, 3, size=(5, 6, 7))
    guess = np.where(RNG.random(truth.shape) < 0.8, truth, 0)
    truth[:, 0] = 9
    # Truth comes at twice the size of the prediction, as raw masks do.
    rows = [
        {"guess": png(g), "mask": png(np.kron(t, np.ones((2, 2)))), "id": str(i).encode()}
        for i, (t, g) in enumerate(zip(truth, guess, strict=True))
    ]
    task = Task(
        name="streets",
        source=TFRecords(),
        problem=Segmentation(classes=("sky", "road", "car"), void=9),
        model=Network(),
        phases=(Phase(epochs=1),),
        input=Images(height=6, width=7),
    )
    examples = write_examples(tmp_path / "examples", {"test": rows})
    model = saved(tmp_path / "model", "guess", "mask_png", tf.string)
    report = evaluate(tmp_path / "out", examples, model, task)
    t, g = truth[:, 1:].ravel(), guess[:, 1:].ravel()
    iou = sk.jaccard_score(t, g, average=None)
    assert report["metrics"]["mean_iou"] == pytest.approx(iou.mean(), abs=1e-6)
    assert report["metrics"]["pixel_accuracy"] == pytest.approx((t == g).mean(), abs=1e-6)
    assert report["per_class"]["car"]["iou"] == pytest.approx(iou[2], abs=1e-6)
    assert report["per_class"]["car"]["support"] == int((t == 2).sum())
