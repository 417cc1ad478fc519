"""Metrics of a segmentation, class by class, pixel by pixel, with constant memory.

All metrics come from one confusion matrix over all pixels, as Everingham et al., "The PASCAL Visual
Object Classes Challenge" (2015), define intersection over union: over the whole data set, not image
by image. Void pixels do not count.
"""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from trainer_modules.engine.problems.chance import against_constant
from trainer_modules.engine.problems.class_measures import divide
from trainer_modules.engine.problems.kept_examples import SAMPLED, WORST, Kept, random_rank
from trainer_modules.engine.problems.mask_outcomes import MaskOutcomes


@dataclass
class MaskTally:
    """Running totals of predicted masks; add, merge, then read.

    Attributes:
      classes: Class names; a mask's pixel is an index into them.
      void: Pixel value of the truth that is ignored; None where there is none.
      colours: RGB of each class where truth masks are RGB images; () where they hold ids.
    """

    classes: tuple[str, ...]
    void: int | None = None
    colours: tuple[tuple[int, int, int], ...] = ()
    confusion: np.ndarray = field(init=False)
    count: int = 0
    labelled: int = 0
    better: int = 0
    constant_pixels: int = 0
    unknown: dict[str, str] = field(default_factory=dict)
    most_wrong: Kept = field(default_factory=lambda: Kept(WORST))
    sample: Kept = field(default_factory=lambda: Kept(SAMPLED))

    def __post_init__(self) -> None:
        self.confusion = np.zeros((len(self.classes), len(self.classes)), np.int64)

    def add(self, labels: list[bytes], predictions: list[Any], ids: list[str]) -> None:
        """Counts a batch.

        Args:
          labels: Truth, encoded images of ids (or of `colours`), any size.
          predictions: Served predictions, `mask_png` id PNGs, or dicts that hold it. The truth is
            resized to the prediction's size, nearest pixel, since that is what was learnt.
          ids: Names of the examples.
        """
        for label, prediction, name in zip(labels, predictions, ids, strict=True):
            self._add_one(*self._read(label, prediction), name)

    def _read(self, label: bytes, prediction: Any) -> tuple[np.ndarray, np.ndarray]:
        """Returns true and predicted ids, int64 of the prediction's size."""
        png = prediction["mask_png"] if isinstance(prediction, dict) else prediction
        predicted = read_ids(np.asarray(png).item())
        truth = nearest(read_ids(label, self.colours), predicted.shape).astype(np.int64)
        if self.colours and self.void is not None:
            truth[(truth < 0) | (truth >= len(self.classes))] = self.void
        return truth, predicted.astype(np.int64)

    def _confusion(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Returns pixels by true and predicted class, int64; void and unknown ones do not count."""
        size = len(self.classes)
        counts = (truth >= 0) & (truth < size)
        if self.void is not None:
            counts &= truth != self.void
        flat = truth[counts] * size + predicted[counts]
        return np.bincount(flat, minlength=size * size).reshape(size, size)

    def _add_one(self, truth: np.ndarray, predicted: np.ndarray, name: str) -> None:
        size = len(self.classes)
        counts = np.ones(truth.shape, bool) if self.void is None else truth != self.void
        for value in np.unique(truth[counts]):
            if not 0 <= value < size:
                what = f"pixel value {value}" if value >= 0 else "a colour that belongs to no class"
                self.unknown.setdefault(what, name)
        own = self._confusion(truth, predicted)
        self.confusion += own
        self.count += 1
        # The best that one class for the whole of this image can reach.
        constant = int(own.sum(axis=1).max())
        self.constant_pixels += constant
        self.labelled += bool(own.sum())
        self.better += int(np.trace(own)) > constant
        accuracy, iou = _overall(own)
        example = {"id": name, "pixel_accuracy": accuracy, "mean_iou": iou}
        self.most_wrong.offer([((iou, name), example)])
        self.sample.offer([((random_rank(name), name), example)])

    def columns(self, labels: list[bytes], predictions: list[Any]) -> dict[str, np.ndarray]:
        """Returns what is stored of each image, int64 pixels `[images, classes]`."""
        own = [
            self._confusion(*self._read(label, prediction))
            for label, prediction in zip(labels, predictions, strict=True)
        ]
        size = len(self.classes)
        cells = np.array(own, np.int64).reshape(len(own), size, size)
        return {
            "hits": np.diagonal(cells, axis1=1, axis2=2).copy(),
            "support": cells.sum(axis=2),
            "predicted": cells.sum(axis=1),
        }

    def outcomes(self, columns: dict[str, np.ndarray]) -> MaskOutcomes:
        """Returns stored columns as outcomes."""
        return MaskOutcomes(classes=self.classes, **columns)

    def merge(self, other: "MaskTally") -> None:
        """Adds the totals of another part of the data."""
        self.confusion += other.confusion
        self.count += other.count
        self.labelled += other.labelled
        self.better += other.better
        self.constant_pixels += other.constant_pixels
        self.unknown = {**other.unknown, **self.unknown}
        self.most_wrong.offer(other.most_wrong.entries)
        self.sample.offer(other.sample.entries)

    def metrics(self) -> dict[str, float]:
        """Returns `mean_iou` (over classes that occur or are predicted) and `pixel_accuracy`."""
        accuracy, iou = _overall(self.confusion)
        if not self.confusion.sum():
            accuracy = iou = float("nan")
        return {"mean_iou": iou, "pixel_accuracy": accuracy, "example_count": float(self.count)}

    def per_class(self) -> dict[str, dict[str, float]]:
        """Returns `iou`, `precision`, `recall`, `f1` and `support` (pixels) by name."""
        right = np.diag(self.confusion)
        support, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        table = {
            "iou": divide(right, support + predicted - right),
            "precision": divide(right, predicted),
            "recall": divide(right, support),
            "f1": divide(2 * right, support + predicted),
        }
        return {
            name: {
                **{metric: float(values[i]) for metric, values in table.items()},
                "support": int(support[i]),
            }
            for i, name in enumerate(self.classes)
        }

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the metrics; see docs/evaluation.md."""
        return {
            "kind": "segmentation",
            "classes": list(self.classes),
            "per_class": self.per_class(),
            "confusion": [
                [int(t), int(p), int(self.confusion[t, p])] for t, p in np.argwhere(self.confusion)
            ],
            "most_wrong": self.most_wrong.examples(),
            "sample": self.sample.examples(),
            "unknown_labels": dict(sorted(self.unknown.items())),
            "chance": against_constant(
                metric="pixel_accuracy",
                floor=float(divide(self.constant_pixels, self.confusion.sum())),
                constant="the best single class for each image",
                wins=self.better,
                of=self.labelled,
                # Pixels of one image are not independent, images are: a sign test over images.
                odds=0.5,
                wins_are="of them better than their best single class",
                unit="images",
            ),
        }


def _overall(confusion: np.ndarray) -> tuple[float, float]:
    """Returns pixel accuracy and mean IoU; 0 where nothing counts."""
    right = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - right
    occurs = union > 0
    iou = float(divide(right, union)[occurs].mean()) if occurs.any() else 0.0
    return float(divide(right.sum(), confusion.sum())), iou


def read_ids(png: bytes, colours: tuple[tuple[int, int, int], ...] = ()) -> np.ndarray:
    """Returns the class ids of an encoded mask, int `[height, width]`.

    Args:
      png: A PNG of ids: grey, or a palette whose indices are the ids; RGB where `colours`.
      colours: RGB of each class; a pixel in another colour becomes -1.
    """
    with Image.open(io.BytesIO(png)) as image:
        if not colours:
            return np.asarray(
                image if image.mode in ("L", "P", "I;16", "I") else image.convert("L")
            )
        pixels = np.asarray(image.convert("RGB")).astype(np.int32)
    code = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    known = {(r << 16) | (g << 8) | b: i for i, (r, g, b) in enumerate(colours)}
    codes, where = np.unique(code, return_inverse=True)
    return np.array([known.get(int(c), -1) for c in codes])[where].reshape(code.shape)


def nearest(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the mask at another size, each pixel the nearest one's, as `tf.image.resize`."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(shape, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns[None, :]]
