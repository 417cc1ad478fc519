"""Whether a training can start from a model, and in which phases it then goes on."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer_modules.engine.networks import models
from trainer_modules.engine.problems import Classification, MultiLabel
from trainer_modules.engine.problems.continuation import Continuation
from trainer_modules.engine.saved_model import write
from trainer_modules.engine.task.layers import Dense, Dropout, Flatten
from trainer_modules.engine.task.learning_rates import Cosine, Exponential
from trainer_modules.engine.task.recipe import Warm
from trainer_modules.engine.task.task import (
    Everything,
    HeadOnly,
    Images,
    Last,
    Network,
    Phase,
    Task,
)
from trainer_modules.engine.training import champion
from trainer_modules.engine.training.champion import CannotContinueError, Champion

LAYERS = (Flatten(), Dense(8, "relu"), Dropout(0.2))


@pytest.fixture(scope="module")
def earlier(tiny: Callable[..., Task], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SavedModel of a tiny network, not trained."""
    folder = str(tmp_path_factory.mktemp("earlier") / "model")
    task = tiny(model=Network(layers=LAYERS))
    write.save(models.build(task).model, task, folder)
    return folder


def test_a_model_of_the_same_network_is_found(tiny: Callable[..., Task], earlier: str) -> None:
    """What does not change its layers may differ."""
    task = tiny(
        model=Network(layers=(*LAYERS[:2], Dropout(0.5))),
        input=Images(height=8, width=8, channels=1, antialias=True),
        problem=Classification(classes=("far", "left", "right")),
        phases=(Phase(epochs=9),),
        train__seed=4,
    )
    found = champion.find(task, earlier)
    assert found.continuation.rows == (None, 0, 2)
    assert (found.added, found.removed) == (("far",), ("middle",))
    built = models.build(task).model
    digest = found.start(built)
    assert digest == champion.digest(built.get_weights())
    # A digest tells the weights, the fresh row included.
    assert digest != found.start(models.build(task).model)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": Network(layers=(Flatten(), Dense(9, "relu")))}, "units is 8, here it is 9"),
        ({"model": Network(layers=LAYERS[:2])}, "layers.2.type is Dropout, here it is nothing"),
        ({"input": Images(height=9, width=8, channels=1)}, "input.height is 8, here it is 9"),
        ({"input": Images(height=8, width=8)}, "input.channels is 1, here it is 3"),
        ({"problem": MultiLabel(classes=("left",))}, "Classification instead of MultiLabel"),
    ],
)
def test_a_model_of_another_network_is_named(
    changes: dict[str, Any], says: str, tiny: Callable[..., Task], earlier: str
) -> None:
    task = tiny(**{"model": Network(layers=LAYERS), **changes})
    with pytest.raises(CannotContinueError, match=says):
        champion.find(task, earlier)


def test_what_is_no_model_is_named(tiny: Callable[..., Task], earlier: str, tmp_path: Path) -> None:
    import shutil

    task = tiny(model=Network(layers=LAYERS))
    for folder in ("", str(tmp_path / "nothing")):
        with pytest.raises(CannotContinueError, match="no blessed model of other data yet"):
            champion.find(task, folder)
    damaged = Path(shutil.copytree(earlier, tmp_path / "damaged"))
    (damaged / "variables/variables.index").write_bytes(b"")
    with pytest.raises(CannotContinueError, match=f"cannot be read: .*{damaged}"):
        champion.find(task, str(damaged))
    (damaged / "assets/task.json").unlink()
    with pytest.raises(CannotContinueError, match="does not say how it was trained"):
        champion.find(task, str(damaged))


SAME, GROWN = Continuation(rows=(0, 1)), Continuation(rows=(0, None))


def shortened(task: Task, how: Continuation) -> list[tuple[Any, int, Any]]:
    recipe = champion.shortened(task.recipe, Champion(variables=(), continuation=how))
    return [(p.trainable, p.epochs, p.learning_rate) for p in recipe.phases]


def test_the_same_classes_need_fewer_and_smaller_steps(tiny: Callable[..., Task]) -> None:
    task = tiny(phases=(Phase(epochs=60, learning_rate=1e-3), Phase(epochs=2, learning_rate=1e-4)))
    everything = Everything()
    assert shortened(task, SAME) == [(everything, 12, 5e-4), (everything, 1, 5e-5)]
    # A new row has as far to go as in any training.
    assert shortened(task, GROWN) == [(everything, 12, 1e-3), (everything, 1, 1e-4)]
    warm = Warm(epochs=0.5, learning_rate=0.1)
    task = dataclasses.replace(task, train=dataclasses.replace(task.train, warm=warm))
    assert shortened(task, SAME) == [(everything, 30, 1e-4), (everything, 1, 1e-5)]


def test_schedules_keep_their_form_over_fewer_steps(tiny: Callable[..., Task]) -> None:
    falling = Exponential(initial=0.1, decay_steps=100, decay_rate=0.5)
    phases = (
        Phase(epochs=10, learning_rate=Cosine(peak=0.2)),
        Phase(epochs=10, learning_rate=falling),
    )
    rates = [rate for _, _, rate in shortened(tiny(phases=phases), SAME)]
    assert rates == [
        Cosine(peak=0.1),
        Exponential(initial=0.05, decay_steps=20, decay_rate=0.5),
    ]


def test_a_new_row_is_first_learnt_on_a_frozen_base(network_task: Callable[..., Task]) -> None:
    task = network_task("MobileNetV2", 32, weights="none")

    def phases(*given: Phase) -> Task:
        return dataclasses.replace(task, phases=given)

    head = Phase(epochs=10, learning_rate=1e-2, trainable=HeadOnly())
    rest = Phase(epochs=20, learning_rate=1e-3, trainable=Last(8))
    # The head is not new: it needs no phase of its own.
    assert shortened(phases(head, rest), SAME) == [(Last(8), 4, 5e-4)]
    assert shortened(phases(head, rest), GROWN) == [(HeadOnly(), 2, 1e-2), (Last(8), 4, 1e-3)]
    # A task without such a phase gets one.
    assert shortened(phases(rest), GROWN) == [(HeadOnly(), 1, 1e-3), (Last(8), 4, 1e-3)]
    assert shortened(phases(rest), SAME) == [(Last(8), 4, 5e-4)]
    # A base that is never trained leaves nothing else.
    assert shortened(phases(head), SAME) == [(HeadOnly(), 2, 1e-2)]
