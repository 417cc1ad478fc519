"""The cases of the contract tests: one for each kind of problem."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image as Pillow
from sklearn import metrics as sk

from components.example_gen import checking
from components.example_gen.readers.items import Record
from trainer_modules.engine.inputs.images import Images
from trainer_modules.engine.problems import (
    Binary,
    Classification,
    ImageNet,
    MultiLabel,
    Problem,
    Regression,
    Segmentation,
)

SIZE = 8
COUNT = 24
IMAGES = Images(height=SIZE, width=SIZE)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind, with labels and the figures that its evaluation must give.

    Attributes:
      problem: An instance of the kind.
      labels: For each of some examples, what a reader finds: the values of a cell or feature, or
        an encoded mask.
      wrong: Values that are no label.
      expected: Served predictions, stacked, and the values of `labels` → metrics by name, computed
        otherwise than the kind's tally does.
    """

    problem: Problem
    labels: list[Any]
    wrong: Any
    expected: Callable[[dict[str, np.ndarray], list[Any]], dict[str, float]]
    metric: str


def of_classes(served: dict[str, np.ndarray], labels: list[Any]) -> dict[str, float]:
    truth = [values[0] for values in labels]
    names = [name.decode() for name in served["label"]]
    classes = sorted({*truth, *names})
    recalls = sk.recall_score(truth, names, labels=classes, average=None, zero_division=0)
    # Every name of a case occurs in its labels, so all classes are averaged.
    return {"accuracy": sk.accuracy_score(truth, names), "macro_recall": float(np.mean(recalls))}


def of_numbers(served: dict[str, np.ndarray], labels: list[Any]) -> dict[str, float]:
    truth = [float(values[0]) for values in labels]
    return {
        "mae": sk.mean_absolute_error(truth, served["value"]),
        "r2": sk.r2_score(truth, served["value"]),
    }


def of_sets(served: dict[str, np.ndarray], labels: list[Any]) -> dict[str, float]:
    names = ("cat", "dog", "fox")
    truth = np.array([[name in values[0].split("|") for name in names] for values in labels])
    predicted = served["probabilities"] >= 0.5
    return {
        "exact_match": sk.accuracy_score(truth, predicted),
        "macro_f1": sk.f1_score(truth, predicted, average="macro", zero_division=0),
    }


def of_masks(served: dict[str, np.ndarray], labels: list[Any]) -> dict[str, float]:
    def ids(contents: bytes) -> np.ndarray:
        return np.asarray(Pillow.open(io.BytesIO(contents))).ravel()

    truth = np.concatenate([ids(mask) for mask in labels])
    guess = np.concatenate([ids(mask) for mask in served["mask_png"]])
    seen = truth != 255
    iou = sk.jaccard_score(truth[seen], guess[seen], average=None, zero_division=0)
    return {
        "pixel_accuracy": sk.accuracy_score(truth[seen], guess[seen]),
        "mean_iou": float(np.mean(iou)),
    }


def _masks() -> list[bytes]:
    random = np.random.default_rng(3)
    masks = random.integers(0, 3, (COUNT, SIZE, SIZE)).astype(np.uint8)
    masks[:, 0, 0] = 255
    return [png(mask) for mask in masks]


def _repeated(*labels: str) -> list[Any]:
    return [(labels[i % len(labels)],) for i in range(COUNT)]


CASES = [
    Case(
        problem=Classification(classes=("cat", "dog", "fox")),
        labels=_repeated("cat", "dog", "fox"),
        wrong=("wolf",),
        expected=of_classes,
        metric="accuracy",
    ),
    Case(
        problem=Binary(classes=("cat", "dog")),
        labels=_repeated("dog", "cat", "dog"),
        wrong=(2,),
        expected=of_classes,
        metric="accuracy",
    ),
    Case(
        problem=ImageNet(),
        labels=_repeated("goldfish", "tench"),
        wrong=(1000,),
        expected=lambda served, labels: {"accuracy": of_classes(served, labels)["accuracy"]},
        metric="accuracy",
    ),
    Case(
        problem=MultiLabel(classes=("cat", "dog", "fox")),
        labels=_repeated("cat", "dog|fox", "cat|fox", ""),
        wrong=("cat|wolf",),
        expected=of_sets,
        metric="exact_match",
    ),
    Case(
        problem=Regression(target="age", unit="years"),
        labels=_repeated("1", "2.5", "-3"),
        wrong=("old",),
        expected=of_numbers,
        metric="mae",
    ),
    Case(
        problem=Segmentation(classes=("a", "b", "c"), void=255),
        labels=_masks(),
        wrong=png(np.full((SIZE, SIZE), 7, np.uint8)),
        expected=of_masks,
        metric="mean_iou",
    ),
]


def examined(problem: Problem, labels: list[Any]) -> list[Any]:
    """Returns raw Examples, or rejections, as ExampleGen makes them from what a reader finds."""
    image = png(np.zeros((SIZE, SIZE, 3), np.uint8))
    records = []
    for i, label in enumerate(labels):
        mask = label if isinstance(label, bytes) else None
        text = None if mask else problem.label_text(label)
        records.append(
            Record(
                key=str(i),
                id=f"{i}.png",
                split="train",
                content=image,
                image=image,
                label=text,
                mask=mask,
            )
        )
    return [checking.examine(record, problem) for record in records]


def raw_labels(case: Case) -> list[np.ndarray]:
    """Returns `raw_label` of each raw Example, a NumPy array of one value, as TFMA gives it."""
    values = []
    for checked in examined(case.problem, case.labels):
        example = tf.train.Example.FromString(checked.serialized)
        feature = example.features.feature[case.problem.raw_label]
        values.append(np.array(getattr(feature, feature.WhichOneof("kind")).value[:1], object))
    return values
