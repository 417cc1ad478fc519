"""Runs of other kinds than a classification, made by hand; and pictures as heavy as photographs."""

import functools
import io
from pathlib import Path

import numpy as np
from PIL import Image

from components.report import galleries, mask_samples, material, pictures
from components.report.material import Material
from tests.components.report import runs


@functools.cache
def photograph(seed: int, size: tuple[int, int] = (400, 300)) -> bytes:
    """Returns a JPEG that takes as much room as a photograph: edges and grain at all scales."""
    draw = np.random.default_rng(seed)
    whole = np.full((size[1], size[0], 3), 128.0)
    for scale in (4, 8, 16, 32, 64, 128):
        noise = draw.normal(0, 1, (scale * 3 // 4, scale, 3)).mean(axis=-1, keepdims=True)
        noise = (noise + draw.normal(0, 0.3, noise.shape[:2] + (3,))) * 90 / np.sqrt(scale)
        layer = [
            np.asarray(Image.fromarray(noise[..., c].astype(np.float32)).resize(size))
            for c in range(3)
        ]
        whole += np.stack(layer, axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(whole.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def regression() -> Material:
    """Returns the material of a table's regression."""
    points = [[float(i), i + (-1) ** i * 0.5] for i in range(40)]
    wrong = [{"id": "row 3", "true": 3.0, "predicted": 2.5, "error": -0.5}]
    return Material(
        task={
            "type": "Task",
            "name": "prices",
            "problem": {"type": "Regression", "target": "price", "unit": "k$"},
            "model": {"type": "Network"},
        },
        evaluation={
            "splits": ["test"],
            "metrics": {"mae": 0.5, "rmse": 0.5, "example_count": 40.0},
            "per_class": {},
            "slices": {},
            "details": {
                "kind": "regression",
                "points": points,
                "deciles": [
                    {"from": 0.0, "to": 4.0, "count": 4, "mse": 0.25, "mae": 0.5, "bias": 0.1}
                ],
                "most_wrong": wrong,
            },
            "baseline": None,
            "baseline_reason": "No earlier model has been blessed.",
        },
        history=runs.history(),
    )


def image_regression(count: int = 120) -> Material:
    """Returns the material of a regression on images, with their pictures; the third has none."""
    from trainer_modules.engine.problems.value_tally import RegressionTally

    draw = np.random.default_rng(5)
    ages = draw.gamma(4.0, 9.0, count)
    guesses = 0.8 * ages + 7 + draw.normal(0, 5, count)
    names = [f"portraits/studio_{i % 7}/face-{i:04d}.jpg" for i in range(count)]
    tally = RegressionTally()
    tally.add(ages.tolist(), [{"value": value} for value in guesses], names)
    details = tally.details()
    found = regression()
    found.task |= {
        "name": "faces",
        "problem": {"type": "Regression", "target": "age", "unit": "years"},
        "input": {"type": "Images", "height": 32, "width": 32, "channels": 3},
    }
    found.evaluation |= {"metrics": tally.metrics(), "details": details}
    ids = galleries.wanted_ids(details)
    seen = {name: pictures.small(photograph(i % 8)) for i, name in enumerate(ids) if name != ids[2]}
    found.pictures = galleries.drawn(seen, details)
    return found


def label_sets(
    count: int = 150, *, splits: tuple[str, ...] = ("eval",), pictured: bool = True
) -> Material:
    """Returns the material of a multi-label classification; the third picture is missing."""
    from trainer_modules.engine.problems.label_set_tally import LabelSetTally
    from trainer_modules.engine.problems.multilabel import MultiLabel

    classes = ("a very long name of a class of things", "<b>bold</b>", "dog", "ευχαριστώ", "rare")
    draw = np.random.default_rng(3)
    truth = draw.random((count, 5)) < [0.5, 0.3, 0.4, 0.2, 0.02]
    p = np.clip(0.35 * truth + draw.random(truth.shape) * 0.65, 0, 1).astype(np.float32)
    problem, settled = MultiLabel(classes=classes).settled(p, truth)
    names = [f"photos/2024/holiday_{i % 7}/img-{i:04d}.jpg" for i in range(count)]
    tally = LabelSetTally(classes)
    scores = np.where(p >= np.float32(problem.thresholds), p, 0)
    tally.add(
        ["|".join(np.array(classes)[row]) for row in truth],
        [{"probabilities": a, "scores": b} for a, b in zip(p, scores, strict=True)],
        names,
    )
    details = tally.details()
    found = regression()
    found.task |= {
        "name": "tags",
        "problem": {"type": "MultiLabel", "classes": list(classes)},
        "input": {"type": "Images", "height": 32, "width": 32, "channels": 3},
    }
    found.evaluation |= {"metrics": tally.metrics(), "details": details, "splits": list(splits)}
    found.evaluation["per_class"] = tally.per_class()
    found.history = {**found.history, "settled": settled}
    if not pictured:
        return found
    ids = galleries.wanted_ids(details)
    seen = {name: pictures.small(photograph(i % 8)) for i, name in enumerate(ids) if name != ids[2]}
    found.pictures = galleries.drawn(seen, details)
    return found


def masks(folder: Path) -> Material:
    """Returns the material of a segmentation, with pictures of two examples."""
    from trainer_modules.engine.problems.mask_tally import MaskTally

    classes = ("sky", "road", "car")
    ids = np.arange(48, dtype=np.uint8)[:, None].repeat(64, axis=1) // 16

    def png(pixels: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    tally = MaskTally(classes)
    guesses = {f"seq16E5/frame_{i}.png": np.roll(ids, 3 + i, axis=0) for i in range(2)}
    for name, guess in guesses.items():
        tally.add([png(ids)], [png(guess)], [name])
    details = tally.details()
    found = {
        "splits": ["test"],
        "metrics": tally.metrics(),
        "per_class": details.pop("per_class"),
        "slices": {},
        "details": details,
        "baseline": None,
        "baseline_reason": "No earlier model has been blessed.",
    }
    described = runs.task(classes, "streets")
    described["problem"] = {"type": "Segmentation", "classes": list(classes), "colours": []}
    whole = material.read(described, runs.write(folder, classes, report=found, gates=[]))
    whole.masks = [
        {"id": name, **mask_samples.panels(described, photograph(1), png(ids), png(guess))}
        for name, guess in guesses.items()
    ]
    return whole
