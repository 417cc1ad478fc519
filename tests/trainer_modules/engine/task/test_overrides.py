import importlib

import pytest

from trainer_modules import digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
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


def test_a_current_key_is_not_noticed(caplog: pytest.LogCaptureFixture) -> None:
    overrides.apply(digits.TASK, ["input.height=9", "train.seed=1"])
    assert not caplog.records
