"""Runs made by hand: the files that components leave, without TensorFlow and in a moment."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.report import material, pictures
from components.report.material import Material
from tests.components.report import drifted

HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted' & </script>",
    "🌷 tulip",
    "ورد جوري",
    "roses",
    "$x_1^2$ {{ 7*7 }}",
    "</textarea><img src=x onerror=alert(2)>",
)


def task(classes: tuple[str, ...], name: str = "flowers") -> dict[str, Any]:
    """Returns a classification task as `overrides.to_plain` writes it."""
    return {
        "type": "Task",
        "name": name,
        "source": {"type": "ImageFolders", "train": "train", "eval": "", "test": ""},
        "problem": {"type": "Classification", "classes": list(classes)},
        "input": {"type": "Images", "height": 32, "width": 32, "channels": 3},
        "model": {
            "type": "Backbone",
            "name": "MobileNetV2",
            "weights": "imagenet",
            "head": [{"type": "GlobalAveragePool"}],
        },
        "phases": [
            {"type": "Phase", "epochs": 5, "learning_rate": 1e-3},
            {"type": "Phase", "epochs": 5, "learning_rate": 1e-4},
        ],
        "train": {"type": "Training", "batch_size": 32, "epochs": None},
        "gates": [],
        "slices": ["format"],
    }


def image(seed: int, size: tuple[int, int] = (160, 120)) -> bytes:
    """Returns a JPEG whose content depends on `seed`."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def evaluation(
    classes: tuple[str, ...], examples: int = 1000, seed: int = 0, skill: float = 0.75
) -> dict[str, Any]:
    """Returns a `report.json` of random predictions, in the evaluator's own words."""
    from trainer_modules.engine.problems.class_tally import ClassTally

    draw = np.random.default_rng(seed)
    truth = draw.integers(0, len(classes), examples)
    logits = draw.normal(size=(examples, len(classes)))
    # Neighbouring classes are mistaken for each other, as real ones are.
    logits[np.arange(examples), truth] += 4 * skill
    logits[np.arange(examples), (truth + 1) % len(classes)] += 1.5
    p = np.exp(logits * 1.6)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    tally = ClassTally(tuple(classes))
    tally.add(
        [classes[t] for t in truth],
        [{"probabilities": row} for row in p],
        [f"{classes[t][:12]}/{i:05d}.jpg" for i, t in enumerate(truth)],
    )
    details = tally.details()
    per_class = details.pop("per_class")
    return {
        "metrics": tally.metrics(),
        "per_class": per_class,
        "slices": {},
        "details": details,
    }


def report(classes: tuple[str, ...], examples: int = 1000) -> dict[str, Any]:
    """Returns a whole `report.json`, with a baseline and slices."""
    now, before = evaluation(classes, examples, 0), evaluation(classes, examples, 1, 0.6)
    for i, name in enumerate(("format=JPEG", "format=PNG")):
        part = evaluation(classes, examples // 2, 2 + i)
        now["slices"][name] = {"metrics": part["metrics"], "per_class": part["per_class"]}
    return {
        "splits": ["test"],
        **now,
        "baseline": before,
        "baseline_reason": "Compared with the last blessed model, /models/7.",
    }


def gates(found: dict[str, Any], *, passed: bool = True) -> list[dict[str, Any]]:
    """Returns a `gates.json` with an overall gate and one for each class."""
    accuracy = found["metrics"]["accuracy"]
    rows = [("accuracy", None, accuracy, 0.5)]
    rows += [("recall", name, one["recall"], 0.1) for name, one in found["per_class"].items()]
    judged: list[dict[str, Any]] = [
        {
            "name": f"{metric} >= {bound}",
            "kind": "at_least",
            "metric": metric,
            "class": name,
            "slice": None,
            "bound": bound,
            "value": value,
            "baseline": None,
            "passed": True,
            "support": 10,
            "message": f"{metric} of {name or 'all'} {value:.2f} >= {bound:.2f}",
        }
        for metric, name, value, bound in rows
    ]
    if not passed:
        judged[-1] |= {
            "passed": False,
            "message": f"recall of class '{rows[-1][1]}' 0.05 < 0.10 (support 10)",
        }
    return judged


def not_compared(*names: str) -> list[dict[str, Any]]:
    """Returns gates on the recall of classes that no model had been blessed for before."""
    return [
        {
            "name": f"recall of class '{name}' no worse than before by more than 0.1",
            "kind": "no_worse",
            "metric": "recall",
            "class": name,
            "slice": None,
            "bound": None,
            "value": None,
            "baseline": None,
            "status": "not_compared",
            "passed": None,
            "support": None,
            "message": f"recall of class '{name}' not compared: no baseline.",
        }
        for name in names
    ]


def history(epochs: int = 10, first: int = 5) -> dict[str, Any]:
    """Returns a `history.json` of two phases."""
    rows = [
        {
            "epoch": e,
            "phase": int(e > first),
            "loss": 1.6 * 0.8**e + 0.1,
            "accuracy": 1 - 0.7 * 0.8**e,
            "val_loss": 1.6 * 0.85**e + 0.25,
            "val_accuracy": 0.93 - 0.6 * 0.8**e,
            "learning_rate": 1e-3 if e <= first else 1e-4,
            "seconds": 2.5,
        }
        for e in range(1, epochs + 1)
    ]
    phase = {"trainable_count": 1285, "frozen_count": 410208}
    return {
        "epochs": rows,
        "phases": [
            {"name": "head", "first_epoch": 1, "last_epoch": first, "trainable": "head", **phase},
            {
                "name": "fine-tuning",
                "first_epoch": first + 1,
                "last_epoch": epochs,
                "trainable": "everything",
                **phase,
            },
        ],
        "monitor": "val_accuracy",
        "best_epoch": epochs - 1,
        "exported_epoch": epochs - 1,
        "placement": "1 replica on cpu, float32",
        "examples": {"train": 600, "eval": 200},
    }


def statistics(classes: tuple[str, ...], shift: float = 0.0) -> dict[str, Any]:
    """Returns statistics in plain form; `shift` makes the images brighter."""
    draw = np.random.default_rng(3)
    found = {}
    for split, size in (("train", 60), ("eval", 20), ("test", 25)):
        brightness = np.clip(draw.normal(0.45 + shift, 0.1, 1000), 0, 1)
        heights = draw.integers(240, 500, 1000)
        found[split] = {
            "examples": size * len(classes),
            "features": {
                "label": {"values": [[name, size] for name in classes]},
                "format": {"values": [["JPEG", size * len(classes) - 3], ["PNG", 3]]},
                "brightness": _numbers(brightness),
                "height": _numbers(heights),
            },
        }
    return found


def _numbers(values: np.ndarray) -> dict[str, Any]:
    counts, edges = np.histogram(values, 10)
    return {
        "mean": float(values.mean()),
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
        "histogram": [
            [float(a), float(b), int(c)]
            for a, b, c in zip(edges[:-1], edges[1:], counts, strict=True)
        ],
    }


def write(
    folder: Path, classes: tuple[str, ...], examples: int = 1000, **kinds: Any
) -> dict[str, str]:
    """Writes what components would, and returns the artifacts' folders."""
    found = kinds.get("report") or report(classes, examples)
    files = {
        "evaluation/report.json": found,
        "blessing/gates.json": kinds["gates"] if "gates" in kinds else gates(found),
        "model_run/history.json": kinds.get("history", history()),
        "rejected/summary.json": {
            "counts": {"train": 600, "eval": 200, "test": 250},
            "rejected": 2,
            "rejected_per_split": {"train": 2},
            "duplicates": {
                "count": 3,
                "listed": [{"id": "a/1.jpg", "split": "train", "kept": "b/<2>.jpg"}],
            },
            "converted": {
                "count": 2,
                "listed": [
                    {"id": "a/<3>.tif", "split": "train", "format": "TIFF", "note": "alpha dropped"}
                ],
            },
            "classes": {
                split: dict.fromkeys(classes, size)
                for split, size in (("train", 60), ("eval", 20), ("test", 25))
            },
            "formats": {"JPEG": 1040, "PNG": 10},
        },
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    (folder / "model_run/model_summary.txt").write_text(
        "Layer (type)\n=====\nlogits (Dense) 1285\n"
    )
    rejected = [
        {"id": "daisy/<b>broken</b>.jpg", "reason": "truncated JPEG"},
        {"id": "roses/notes.txt", "reason": "not an image"},
    ]
    (folder / "rejected/rejected.jsonl").write_text("\n".join(map(json.dumps, rejected)))
    return {
        name: str(folder / name) for name in ("evaluation", "blessing", "model_run", "rejected")
    }


def full(folder: Path, classes: tuple[str, ...], examples: int = 1000, **kinds: Any) -> Material:
    """Returns the material of a classification, with pictures, samples and drift."""
    from components.report import galleries
    from tests.components.report import other_runs

    found = material.read(task(classes), write(folder, classes, examples, **kinds))
    details = found.evaluation["details"]
    ids = galleries.wanted_ids(details) + galleries.further_ids(details)
    seen = {
        name: pictures.small(other_runs.photograph(i % 8)) for i, name in enumerate(ids) if i != 1
    }
    found.pictures = galleries.drawn(seen, details)
    found.statistics = statistics(classes)
    found.previous_statistics = statistics(classes, shift=0.2)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    labels = [classes[i % len(classes)] for i in range(16)]
    found.drift, found.drift_plots = drifted.checked(), drifted.PLOTS
    found.samples = pictures.Sheet(
        blocks=(("as they are", tuple(pixels)), ("augmented", tuple(255 - pixels))),
        labels=tuple(labels),
        ids=tuple(f"train/{label}/{i}.jpg" for i, label in enumerate(labels)),
    )
    found.lineage = [("task", "flowers"), ("network", "MobileNetV2"), ("code fingerprint", "ab12")]
    return found
