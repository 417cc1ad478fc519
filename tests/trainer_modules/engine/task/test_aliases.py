"""Former names of settings: they work, are read once, and are never given again."""

import dataclasses
import importlib

import pytest

from trainer_modules import boston_housing, digits
from trainer_modules.engine.task import aliases, overrides, serialisation


@pytest.mark.parametrize(
    ("module", "former", "current"),
    [
        ("digits", "image.height=9", "input.height=9"),
        ("digits", 'image={"type": "Image", "height": 9, "width": 7}', "input.width=7"),
        ("boston_housing", "problem.features=('RM', 'AGE')", None),
        ("digits", "image.scale=none", "input.scaling=none"),
        ("digits", "serving.forms=('onnx',)", "serving.formats=('onnx',)"),
        ("digits", "also=[{'type': 'ImageFolders'}]".replace("'", '"'), None),
        ("digits", "phases.0.validation_share=0.5", "phases.0.validation_fraction=0.5"),
        ("digits", "source.test_fraction=0.4", "source.eval_fraction=0.4"),
        ("digits", "train.best=val_loss", "train.best_metric=val_loss"),
        ("food101", "source.ending=.png", "source.extension=.png"),
        ("image_folder", "gates.0.per_class=3", "gates.0.examples_per_class=3"),
        ("cassava", "phases.0.learning_rate.rate=0.5", "phases.0.learning_rate.decay_rate=0.5"),
        ("boston_housing", "problem.standardise=true", "input.standardise=true"),
        ("boston_housing", "problem.shown=((8.0,),)", "input.shown=((8.0,),)"),
    ],
)
def test_a_former_key_still_works_and_the_log_names_the_new_one(
    module: str, former: str, current: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    task = importlib.import_module(f"trainer_modules.{module}").TASK
    if former.startswith("problem.features"):
        # Its rows to show have one number each.
        task = overrides.apply(task, ["input.shown=()"])
    changed = overrides.apply(task, [former])
    key = former.partition("=")[0]
    new = aliases.current_key(task, key)
    assert new != key and changed != task
    if current is not None:
        assert overrides.apply(changed, [current]) == changed
    assert [r.message for r in caplog.records] == [
        f"--set {key}: now called {new}; the former name still works."
    ]


def test_the_form_of_today_has_no_former_names() -> None:
    """A name that stands for something else in an earlier form is never given again."""
    for cls in serialisation.types_by_name().values():
        assert cls.__name__ not in aliases.TYPES
        former = aliases.FIELDS.get(cls.__name__, {})
        assert not former.keys() & {f.name for f in dataclasses.fields(cls)}
        assert set(former.values()) <= {f.name for f in dataclasses.fields(cls)}
    assert set(aliases.FIELDS) <= set(serialisation.types_by_name())


@pytest.mark.parametrize(
    "key", ["input.height", "phases.0.epochs", "phases.9.epochs", "nothing.at.all", "image_size"]
)
def test_other_keys_are_left_as_they_are(key: str) -> None:
    """Whether there is such a setting is for others to say."""
    assert aliases.current_key(digits.TASK, key) == key


def test_a_name_is_former_only_in_the_class_that_had_it() -> None:
    assert aliases.current_key(digits.TASK, "source.eval_fraction") == "source.eval_fraction"
    assert aliases.current_key(digits.TASK, "phases.0.scale") == "phases.0.scale"
    assert aliases.current_key(digits.TASK.input, "scale") == "scaling"


def test_columns_once_were_part_of_the_problem() -> None:
    task = boston_housing.TASK
    assert aliases.current_key(task, "problem.features") == "input.names"
    assert aliases.current_key(task, "problem.shown.0.1") == "input.shown.0.1"
    written = {
        "type": "Task",
        "image": None,
        "problem": {"type": "Regression", "target": "y", "features": ["a"], "standardise": True},
    }
    today = aliases.upgraded(written)
    assert today["problem"] == {"type": "Regression", "target": "y"}
    assert today["input"] == {"type": "Columns", "names": ["a"], "standardise": True}
    assert written["problem"]["features"] == ["a"], "what was given must stay as it is"


def test_every_level_gets_the_names_of_today() -> None:
    written = {
        "format_version": 2,
        "type": "engine.task.Task",
        "image": {"type": "Image", "height": 8, "scale": "none"},
        "gates": [{"type": "NoWorse", "metric": "accuracy", "by": 0.01}],
        "other": {"by": [{"scale": 1}]},  # no class, so no name of it
    }
    assert aliases.upgraded(written) == {
        "format_version": 2,
        "type": "Task",
        "input": {"type": "Images", "height": 8, "scaling": "none"},
        "gates": [{"type": "NoWorse", "metric": "accuracy", "tolerance": 0.01}],
        "other": {"by": [{"scale": 1}]},
    }
    assert aliases.upgraded(aliases.upgraded(written)) == aliases.upgraded(written)
