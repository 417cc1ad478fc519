"""Pictures of single predictions: the most wrong, samples, masks; charts of a regression."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from components.report import charts, pictures
from components.report.material import Material
from trainer_modules.engine.images.colours import complete

MOST_WRONG, SAMPLED, LISTED = 48, 24, 20
# Size limits in characters: images of the galleries, and images that only a cell of the confusion
# matrix opens, with their longest side.
GALLERY_BUDGET, PAIRS_BUDGET, PAIRS_LARGEST = 330_000, 120_000, 160
# The colour of pixels without a class: black, which palettes do not use.
VOID = 0


def wanted_ids(details: dict[str, Any]) -> list[str]:
    """Returns the ids of the examples that the galleries show."""
    return list(dict.fromkeys(_shown_ids(details)))


def _shown_ids(details: dict[str, Any]) -> list[str]:
    """Returns the id of each image in the galleries; an image may be in two of them."""
    shown = [
        *details.get("most_wrong", [])[:MOST_WRONG],
        *details.get("right", [])[:SAMPLED],
        *details.get("wrong", [])[:SAMPLED],
        *details.get("sample", [])[:SAMPLED],
    ]
    return [example["id"] for example in shown]


def further_ids(details: dict[str, Any]) -> list[str]:
    """Returns the ids of further wrong predictions, which cells of the matrix open."""
    shown = set(wanted_ids(details))
    ids = dict.fromkeys(example["id"] for example in details.get("of_pairs", []))
    return [name for name in ids if name not in shown]


def drawn(images: Mapping[str, Image.Image], details: dict[str, Any]) -> dict[str, str]:
    """Returns id → picture as a `data:` URI, all together within the page's budget.

    Args:
      images: Images by id.
      details: The evaluation's details, which say where an image is shown.
    """
    places = enumerate(_shown_ids(details))
    galleries = {(i, name): images[name] for i, name in places if name in images}
    further = {name: images[name] for name in further_ids(details) if name in images}
    shown = {name: uri for (_, name), uri in pictures.within(galleries, GALLERY_BUDGET).items()}
    taken = 0
    for name, uri in pictures.within(further, PAIRS_BUDGET, PAIRS_LARGEST).items():
        # Tiny images, which are not scaled, may be too many; the last ones are left out.
        taken += len(uri)
        if taken > PAIRS_BUDGET:
            break
        shown[name] = uri
    return shown


def of_cells(material: Material) -> list[dict[str, Any]]:
    """Returns the pictured predictions, for the cells of the matrix that they are in.

    Images that are already in a gallery are left out, since the page contains each only once.
    """
    details = material.evaluation["details"]
    index = {name: i for i, name in enumerate(material.classes)}
    in_galleries = set(wanted_ids(details))
    lists = (details.get(key, []) for key in ("of_pairs", "most_wrong", "wrong", "right"))
    by_id = {example["id"]: example for examples in lists for example in examples}
    return [
        {
            "cell": [index[example["true"]], index[example["predicted"]]],
            "id": name,
            "probability": round(example["probability"], 4),
            "picture": "" if name in in_galleries else material.pictures[name],
        }
        for name, example in by_id.items()
        if name in material.pictures
    ]


def most_wrong(material: Material) -> dict[str, Any] | None:
    """The wrong predictions with the highest confidence."""
    details = material.evaluation.get("details", {})
    if not material.shows("most_wrong"):
        return None
    return {
        "examples": _with_pictures(material, details["most_wrong"][:MOST_WRONG]),
        "pictures_problem": material.problems.get("pictures", ""),
    }


def samples(material: Material) -> dict[str, Any] | None:
    """Predictions sampled regardless of their outcome."""
    details = material.evaluation.get("details", {})
    if not material.shows("predictions"):
        return None
    return {
        "right": _with_pictures(material, details["right"][:SAMPLED]),
        "wrong": _with_pictures(material, details["wrong"][:SAMPLED]),
    }


def _with_pictures(material: Material, examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**e, "picture": material.pictures.get(e["id"])} for e in examples]


def masks(material: Material) -> dict[str, Any] | None:
    """Image, truth, prediction and overlay, with the legend of colours."""
    if not material.shows("masks") and not material.masks:
        return None
    colours = palette(material.task)
    legend = [
        {"name": name, "colour": "#{:02x}{:02x}{:02x}".format(*map(int, colours[i]))}
        for i, name in enumerate(material.task["problem"]["classes"])
    ]
    if material.trained and material.task["problem"].get("void") is not None:
        legend.append({"name": "void, not evaluated", "colour": f"#{VOID:02x}{VOID:02x}{VOID:02x}"})
    return {
        "examples": material.masks,
        "legend": legend,
        "most_wrong": material.evaluation.get("details", {}).get("most_wrong", [])[:LISTED],
        "drawn_from": 0 if material.trained else material.drawn_from,
    }


def palette(task: dict[str, Any]) -> np.ndarray:
    """Returns the classes' colours, uint8 `[classes, 3]`: the task's, or those of `predict.py`."""
    given = task["problem"].get("colours") or []
    return np.array(complete(given, len(task["problem"]["classes"])), np.uint8)


def regression(material: Material) -> dict[str, Any] | None:
    """Predicted against true, the residuals, errors by range, and the largest errors.

    Images are shown with their errors: the largest, and a sample. Rows of a table are listed.
    """
    if not material.shows("regression"):
        return None
    details = material.evaluation["details"]
    unit = material.task["problem"].get("unit", "")
    points = np.array(details["points"], float).reshape(-1, 2)
    residuals = points[:, 1] - points[:, 0]
    counts, edges = np.histogram(residuals, bins=min(30, max(5, len(points) // 8)))
    most_wrong, sample = details.get("most_wrong", []), details.get("sample", [])
    shown = material.has_images
    deciles = details.get("deciles", [])
    label = f"predicted − true{f' [{unit}]' if unit else ''}"
    return {
        "against": charts.predicted_against_true(points[:, 0], points[:, 1], unit),
        "residuals": charts.histogram("Residuals", edges, counts, label),
        "deciles": deciles,
        "highest": max((part["mae"] for part in deciles), default=0.0) or 1.0,
        "most_wrong": [] if shown else most_wrong[:LISTED],
        "pictured": _with_pictures(material, most_wrong[:MOST_WRONG]) if shown else [],
        "sampled": _with_pictures(material, sample[:SAMPLED]) if shown else [],
        "pictures_problem": material.problems.get("pictures", ""),
        "unit": unit,
        "target": material.task["problem"].get("target", ""),
        "drawn": len(points),
    }
