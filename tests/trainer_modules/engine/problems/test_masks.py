"""Masks: nearest only, colours to ids, void out of loss and metrics, answers as PNG."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Pillow

from trainer_modules.engine.problems import Segmentation, masks

IDS = Segmentation(classes=("a", "b", "c"), void=11)
COLOURS = Segmentation(
    classes=("a", "b", "void"),
    void=2,
    colours=((128, 0, 0), (0, 128, 0), (0, 0, 0)),
    rgb_masks=True,
)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def stored(pixels: np.ndarray, problem: Segmentation, height: int, width: int) -> np.ndarray:
    (one,) = masks.stored_masks(
        tf.constant([png(pixels)]), size=(height, width), form=problem.ids_of_masks
    ).numpy()
    ids = masks.decode_stored(one, size=(height, width)).numpy()
    np.testing.assert_array_equal(ids, np.array(Pillow.open(io.BytesIO(one))))
    return ids


@pytest.fixture
def ids() -> np.ndarray:
    return np.random.default_rng(0).choice([0, 1, 2, 11], (36, 48)).astype(np.uint8)


def test_masks_keep_their_ids_at_any_size(ids: np.ndarray) -> None:
    np.testing.assert_array_equal(stored(ids, IDS, 36, 48), ids)
    np.testing.assert_array_equal(stored(ids, IDS, 12, 16), ids[1::3, 1::3])
    np.testing.assert_array_equal(stored(ids, IDS, 72, 96), ids.repeat(2, 0).repeat(2, 1))
    assert set(np.unique(stored(ids, IDS, 25, 31))) <= {0, 1, 2, 11}


def test_colours_become_ids(ids: np.ndarray) -> None:
    index = np.minimum(ids, 2)
    rgb = np.array(COLOURS.colours, np.uint8)[index]
    np.testing.assert_array_equal(stored(rgb, COLOURS, 36, 48), index)


@pytest.mark.parametrize("problem", [IDS, COLOURS])
def test_ids_and_colours_of_no_class_are_refused(problem: Segmentation) -> None:
    pixels = np.full((4, 4, 3), 77, np.uint8) if problem.rgb_masks else np.full((4, 4), 7, np.uint8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="to none of the 3 classes"):
        stored(pixels, problem, 4, 4)


def test_loss_and_metrics_ignore_void() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, 2, 11], (4, 6, 5)).astype(np.uint8)
    truth[3] = 11
    p = rng.dirichlet(np.ones(3), (4, 6, 5)).astype(np.float32)
    losses = []
    for t, q in zip(truth, p, strict=True):
        valid = t != 11
        losses.append(np.mean([-np.log(q[valid][i, k]) for i, k in enumerate(t[valid])] or [0]))
    assert float(masks.loss(IDS.ids_of_masks)(truth, p)) == pytest.approx(np.mean(losses), rel=1e-5)
    weights = np.array([1, 1, 0, 1], np.float32)
    accuracy, iou = masks.training_metrics(IDS.ids_of_masks)
    for metric in (accuracy, iou):
        metric.update_state(truth[:2], p[:2], sample_weight=weights[:2])
        metric.update_state(truth[2:], p[2:], sample_weight=weights[2:])
    seen = (truth != 11) & (weights[:, None, None] > 0)
    t, guess = truth[seen], p.argmax(-1)[seen]
    assert float(accuracy.result()) == pytest.approx((t == guess).mean())
    each = [((t == k) & (guess == k)).sum() / ((t == k) | (guess == k)).sum() for k in range(3)]
    assert float(iou.result()) == pytest.approx(np.mean(each), rel=1e-6)


def test_the_loss_compiles_with_static_shapes() -> None:
    truth = np.random.default_rng(0).choice([0, 1, 11], (2, 4, 4)).astype(np.uint8)
    p = np.full((2, 4, 4, 3), 1 / 3, np.float32)
    compiled = tf.function(masks.loss(IDS.ids_of_masks), jit_compile=True)
    assert float(compiled(tf.constant(truth), tf.constant(p))) == pytest.approx(np.log(3), rel=1e-5)


def test_predictions_are_answered_as_png() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), (2, 6, 5))
    for one, expected in zip(
        masks.encode_predictions(tf.constant(p)).numpy(), p.argmax(-1), strict=True
    ):
        np.testing.assert_array_equal(np.array(Pillow.open(io.BytesIO(one))), expected)
