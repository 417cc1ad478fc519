"""Gates that can never be judged are refused before anything runs."""

from dataclasses import replace
from typing import Any

import pytest

from components.model_gate.checking import check_gates
from trainer_modules.boston_housing import TASK as PRICES
from trainer_modules.camvid import TASK as STREETS
from trainer_modules.digits import TASK as DIGITS
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse
from trainer_modules.image_folder import TASK as FOLDER


@pytest.mark.parametrize("task", [DIGITS, PRICES, STREETS, FOLDER])
def test_the_tasks_own_gates_are_fine(task: Any) -> None:
    check_gates(task)


def test_every_kind_of_gate_is_known() -> None:
    gates = (
        AtLeast("top_5_accuracy", 0.9),
        AtMost("log_loss", 1.0, slice="format=PNG"),
        AtLeast("f1", 0.5, class_name="3"),
        NoWorse("expected_calibration_error", 0.1, lower_is_better=True),
        NoWorse("precision", each_class=True),
    )
    check_gates(replace(DIGITS, gates=gates, slices=("format",)))
    check_gates(replace(STREETS, gates=(AtLeast("iou", 0.1, each_class=True),)))


@pytest.mark.parametrize(
    ("task", "gate", "said"),
    [
        (DIGITS, AtLeast("acuracy", 0.5), "did you mean 'accuracy'"),
        (DIGITS, AtLeast("recall", 0.5), "each_class=True"),
        (DIGITS, AtLeast("recal", 0.5, each_class=True), "did you mean 'recall'"),
        (DIGITS, AtLeast("recall", 0.5, class_name="ten"), "Received: 'ten'"),
        (DIGITS, AtLeast("auc", 0.5), "Received: 'auc'"),
        (DIGITS, AtLeast("accuracy", 0.5, slice="format=PNG"), "does not slice by 'format'"),
        (PRICES, AtLeast("r2", 0.5, each_class=True), "this task has none"),
        (PRICES, AtLeast("accuracy", 0.5), "must be one of mse"),
    ],
)
def test_gates_on_nothing_are_refused(task: Any, gate: Any, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        check_gates(replace(task, gates=(gate,)))
