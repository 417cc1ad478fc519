"""The segmentation tally against scikit-learn's Jaccard score, on tiny masks."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as sk

from trainer_modules.engine.problems.mask_tally import MaskTally, nearest, read_ids

CLASSES = ("sky", "road", "car", "kerb")
VOID = 11


def png(mask: np.ndarray, mode: str = "L") -> bytes:
    image = Image.fromarray(mask.astype(np.uint8), mode="L" if mode == "P" else mode)
    if mode == "P":
        indexed = Image.new("P", image.size)
        indexed.putdata(list(image.getdata()))
        indexed.putpalette([200, 10, 10, 0, 0, 0, 90, 90, 90, 1, 2, 3] + [0] * 756)
        image = indexed
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def masks() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, size=(6, 8, 10))
    predicted = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 3, truth.shape))
    truth[rng.random(truth.shape) < 0.1] = VOID
    return truth, predicted


def tally(truth: np.ndarray, predicted: np.ndarray, mode: str = "L") -> MaskTally:
    whole = MaskTally(CLASSES, VOID)
    for half in (slice(0, 3), slice(3, None)):
        one = MaskTally(CLASSES, VOID)
        one.add(
            [png(m, mode) for m in truth[half]],
            [np.array(png(m), object) for m in predicted[half]],
            [f"{half.start}-{i}" for i in range(len(truth[half]))],
        )
        whole.merge(one)
    return whole


@pytest.mark.parametrize("mode", ["L", "P"])
def test_equals_scikit_learn_without_void(mode: str) -> None:
    truth, predicted = masks()
    found = tally(truth, predicted, mode)
    counts = truth != VOID
    t, p = truth[counts], predicted[counts]
    iou = sk.jaccard_score(t, p, labels=[0, 1, 2], average=None)
    rows = found.per_class()
    assert [rows[name]["iou"] for name in CLASSES[:3]] == pytest.approx(list(iou), abs=1e-6)
    # "kerb" neither occurs nor is predicted: it has no part in the mean.
    assert rows["kerb"]["support"] == 0
    assert found.metrics()["mean_iou"] == pytest.approx(iou.mean(), abs=1e-6)
    assert found.metrics()["pixel_accuracy"] == pytest.approx((t == p).mean(), abs=1e-6)
    assert rows["road"]["recall"] == pytest.approx(sk.recall_score(t == 1, p == 1), abs=1e-6)
    assert found.metrics()["example_count"] == 6


def test_truth_is_brought_to_the_predictions_size() -> None:
    small = np.array([[0, 1], [2, 1]])
    large = np.kron(small, np.ones((3, 3), int))
    np.testing.assert_array_equal(nearest(large, (2, 2)), small)
    np.testing.assert_array_equal(nearest(small, (6, 6)), large)
    found = MaskTally(CLASSES)
    found.add([png(large)], [{"mask_png": np.array(png(small), object)}], ["a"])
    assert found.metrics()["mean_iou"] == 1.0


def test_worst_image_comes_first() -> None:
    truth, predicted = masks()
    predicted[4] = (predicted[4] + 1) % 3
    details = tally(truth, predicted).details()
    assert details["most_wrong"][0]["id"] == "3-1"
    assert len(details["sample"]) == 6


def test_ids_of_no_class_are_reported() -> None:
    found = MaskTally(CLASSES, VOID)
    found.add([png(np.array([[0, 7]]))], [{"mask_png": png(np.array([[0, 0]]))}], ["street.png"])
    assert found.details()["unknown_labels"] == {"pixel value 7": "street.png"}


def test_coloured_masks() -> None:
    colours = ((255, 0, 0), (0, 255, 0))
    pixels = np.array([[colours[1], colours[0]], [(9, 9, 9), colours[1]]])
    np.testing.assert_array_equal(read_ids(png(pixels, "RGB"), colours), [[1, 0], [-1, 1]])
    found = MaskTally(("a", "b"), None, colours)
    found.add([png(pixels, "RGB")], [{"mask_png": png(np.array([[1, 0], [0, 1]]))}], ["x"])
    assert found.details()["unknown_labels"] == {"a colour that belongs to no class": "x"}
    lenient = MaskTally(("a", "b"), VOID, colours)
    lenient.add([png(pixels, "RGB")], [{"mask_png": png(np.array([[1, 0], [0, 1]]))}], ["x"])
    assert lenient.details()["unknown_labels"] == {}
    assert lenient.metrics()["pixel_accuracy"] == 1.0
