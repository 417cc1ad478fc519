"""A task as data: what its parts refuse, and which part of it decides what is learnt."""

import dataclasses
from typing import Any

import pytest

from trainer_modules import digits, mnist
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.display import Display
from trainer_modules.engine.task.learning_rates import Cosine
from trainer_modules.engine.task.task import (
    Backbone,
    EncoderDecoder,
    Last,
    Phase,
    Recipe,
    Serving,
    Task,
)


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        (Phase, {"epochs": 0}, "epochs must be at least 1"),
        (Phase, {"epochs": 1, "steps_per_epoch": 0}, "steps_per_epoch must be at least 1"),
        (Phase, {"epochs": 1, "validation_freq": 0}, "validation_freq must be at least 1"),
        (Phase, {"epochs": 1, "learning_rate": 0}, "learning_rate must be above 0"),
        (Phase, {"epochs": 1, "learning_rate": "fast"}, "learning_rate must be a number"),
        (Phase, {"epochs": 1, "validation_fraction": 0}, "above 0 and at most 1"),
        (Phase, {"epochs": 1, "validation_fraction": 1.01}, "above 0 and at most 1"),
        (Backbone, {"name": "VGG16", "alpha": 0}, "alpha must be above 0"),
        (Backbone, {"name": "VGG16", "scaling": "none"}, "scaling must be one of auto, unit, tf"),
        (Backbone, {"name": "VGG16", "batch_norm_momentum": 1.0}, r"must be in \[0, 1\)"),
        (EncoderDecoder, {"alpha": -1}, "alpha must be above 0"),
        (EncoderDecoder, {"scaling": "none"}, "scaling must be one of auto"),
        (EncoderDecoder, {"batch_norm_momentum": -0.1}, r"must be in \[0, 1\)"),
        (Last, {"layers": 0}, "the layers of Last must be at least 1"),
        (Serving, {"samples": 0}, "samples must be at least 1"),
        (Serving, {"max_latency_ms": 0}, "max_latency_ms must be above 0"),
        (Serving, {"tolerance": -1e-9}, "tolerance must be at least 0"),
        (Serving, {"formats": ("tflite", "coreml")}, "formats must be one of tflite, tflite_int8"),
    ],
)
def test_a_value_out_of_bounds_is_named(kind: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        kind(**given)


def test_borders_that_are_allowed() -> None:
    Phase(epochs=1, validation_fraction=1.0, learning_rate=Cosine(peak=0.1))
    Backbone(name="VGG16", batch_norm_momentum=0.0)
    Serving(tolerance=0.0, samples=1, formats=("onnx",))


CHANGES: dict[str, Any] = {
    "gates": (),
    "slices": ("camera",),
    "alternatives": (digits.TASK.source,),
    "serving": Serving(samples=3),
    "display": Display(names=(("3", "three"),)),
}


@pytest.mark.parametrize("field", CHANGES)
def test_what_training_does_not_read_is_not_in_its_recipe(field: str) -> None:
    """Trainer's cache key holds the recipe: anything more would train again for nothing."""
    changed = dataclasses.replace(digits.TASK, **{field: CHANGES[field]})
    assert changed != digits.TASK and changed.recipe == digits.TASK.recipe


def test_the_recipe_is_a_task_without_its_data_and_conditions() -> None:
    recipe = digits.TASK.recipe
    assert type(recipe) is Recipe
    for field in dataclasses.fields(Recipe):
        assert getattr(recipe, field.name) == getattr(digits.TASK, field.name)
    learnt = dataclasses.replace(digits.TASK, phases=(Phase(epochs=1),))
    assert learnt.recipe != recipe


def test_a_variant_belongs_to_the_module_of_its_task() -> None:
    assert digits.TASK.module == "digits"
    assert mnist.VARIANTS["b"].name == "mnist-b" and mnist.VARIANTS["b"].module == "mnist"


def _shown(display: Display, classes: tuple[str, ...]) -> Task:
    return dataclasses.replace(
        digits.TASK, problem=Classification(classes=classes), display=display, gates=()
    )


@pytest.mark.parametrize("field", ["names", "heat_maps"])
def test_display_names_classes_that_there_are(field: str) -> None:
    display = Display(**{field: (("wolf", "Wolf"),) if field == "names" else ("wolf",)})
    with pytest.raises(ValueError, match=f"display.{field} must name classes .*Received: wolf"):
        _shown(display, ("cat", "dog"))
    assert _shown(display, ("cat", "wolf")).display is display
    # Classes that come from the data are checked when they are known.
    assert _shown(display, ()).problem.names == ()
