"""The predictions of a network exported without training, for some of the given images."""

from collections.abc import Iterable
from typing import Any

from components.report import mask_samples, pictures, raw_examples
from components.report.material import Material
from trainer_modules.engine.saved_model.read import SavedModel
from trainer_modules.engine.signatures import IMAGE_INPUT

# Images with their names, and with their masks; the latter take four panels and their maps.
NAMED, MASKED = 48, 6
TOP = 5
_BUDGET = 480_000


def seen(material: Material, files: Iterable[str], model: str) -> None:
    """Sets `answers` or `masks`, and `drawn_from`, of a run without training.

    Args:
      material: The run's material.
      files: Shards of raw Examples.
      model: Folder of the SavedModel, whose own signatures predict.
    """
    loaded = SavedModel(model)
    masks = "mask_png" in loaded.outputs()
    images, material.drawn_from = raw_examples.random_sample(files, MASKED if masks else NAMED)
    if masks:
        material.masks = mask_samples.mapped(material.task, images, loaded)
    else:
        material.answers = answers(images, loaded, _names(material.task))


def answers(
    images: dict[str, bytes], loaded: SavedModel, names: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Returns `id`, `picture` and the `TOP` most probable `names` of each image.

    Args:
      images: Encoded images by id.
      loaded: A classifier, `image_bytes` → `probabilities`.
      names: (name, id) of each class in the order of the outputs; "" for no id.
    """
    small = pictures.within(
        {name: pictures.small(encoded) for name, encoded in images.items()}, _BUDGET
    )
    shown = []
    for name, encoded in images.items():
        probabilities = loaded.call({IMAGE_INPUT: [encoded]})["probabilities"][0]
        best = (-probabilities).argsort(kind="stable")[:TOP]
        shown.append(
            {
                "id": name,
                "picture": small[name],
                "names": [
                    {"name": names[i][0], "id": names[i][1], "probability": float(probabilities[i])}
                    for i in best
                ],
            }
        )
    return shown


def _names(task: dict[str, Any]) -> list[tuple[str, str]]:
    from trainer_modules.engine.task import overrides

    problem = overrides.from_plain(task["problem"])
    ids = problem.ids or ("",) * len(problem.names)
    return list(zip(problem.names, ids, strict=True))


def verdict(material: Material) -> dict[str, Any]:
    """The verdict of an export: nothing was trained, and whether the exported model serves."""
    return {"serving": material.serving, "problem": material.problems.get("serving", "")}


def answered(material: Material) -> dict[str, Any] | None:
    """The images with their predicted classes."""
    if material.trained or material.masks:
        return None
    return {"examples": material.answers, "drawn_from": material.drawn_from, "top": TOP}
