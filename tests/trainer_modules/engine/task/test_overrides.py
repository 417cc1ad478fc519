import importlib

import pytest

from trainer_modules import digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import aliases, overrides
from trainer_modules.engine.task.learning_rates import Cosine


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("phases.0.epochs=2", lambda t: t.phases[0].epochs == 2),
        ("phases.0.learning_rate=1", lambda t: t.phases[0].learning_rate == 1.0),
        ("phases.0.steps_per_epoch=none", lambda t: t.phases[0].steps_per_epoch is None),
        ("train.augment.saturation=(0, 2)", lambda t: t.train.augment.saturation == (0.0, 2.0)),
        ("train.xla=true", lambda t: t.train.xla is True),
        ("model.layers.1.units=16", lambda t: t.model.layers[1].units == 16),
        ("gates.0.bound=0.5", lambda t: t.gates[0].bound == 0.5),
        ("problem.classes=('a', 'b')", lambda t: t.problem.classes == ("a", "b")),
        ("name=7", lambda t: t.name == "7"),
        (
            'phases.0.learning_rate={"type": "Cosine", "peak": 0.5}',
            lambda t: t.phases[0].learning_rate == Cosine(peak=0.5),
        ),
        (
            'gates=[{"type": "AtMost", "metric": "log_loss", "bound": 1.0}]',
            lambda t: t.gates[0].metric == "log_loss",
        ),
    ],
)
def test_set_changes_one_value(setting: str, read) -> None:
    assert read(overrides.apply(digits.TASK, [setting]))


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("phases.0.epoch=2", "did you mean 'epochs'"),
        ("phases.1.epochs=2", "must be one of 0"),
        ("phaces.0.epochs=2", "did you mean 'phases'"),
        ("phases.0.epochs=two", "must be int"),
        ("phases.0.epochs=0", "at least 1"),
        ("phases.0.epochs=1.5", "must be int"),
        ("train.xla=1", "must be bool"),
        ("train.xla", "KEY=VALUE"),
        ("name.first=x", "there is no 'first'"),
        ('phases.0.learning_rate={"type": "os.system"}', "must be one of"),
        ("train.accelerator=gpus", "must be one of auto, cpu, gpu, tpu"),
    ],
)
def test_set_refuses_with_a_reason(setting: str, says: str) -> None:
    with pytest.raises(BadInputError, match=r"--set") as refused:
        overrides.apply(digits.TASK, [setting])
    assert says in str(refused.value)


def test_later_settings_win() -> None:
    task = overrides.apply(digits.TASK, ["train.seed=1", "train.seed=2"])
    assert task.train.seed == 2


@pytest.mark.parametrize("task", ["fashion_mnist", "gtsrb"])
@pytest.mark.parametrize("momentum", ["1", "-0.1"])
def test_a_momentum_outside_its_range_is_named(task: str, momentum: str) -> None:
    key = {"fashion_mnist": "model.layers.0.momentum", "gtsrb": "model.batch_norm_momentum"}[task]
    found = importlib.import_module(f"trainer_modules.{task}").TASK
    with pytest.raises(BadInputError, match=rf"--set {key}: .*momentum must be in \[0, 1\)"):
        overrides.apply(found, [f"{key}={momentum}"])


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


def test_a_current_key_is_not_noticed(caplog: pytest.LogCaptureFixture) -> None:
    overrides.apply(digits.TASK, ["input.height=9", "train.seed=1"])
    assert not caplog.records
