"""Gates as data: through JSON, and from the command line."""

import pytest

from trainer_modules.digits import TASK
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse

NO_WORSE = '{"type": "NoWorse", "metric": "recall", "by": 0.05, "each_class": true}'


def test_gates_survive_json() -> None:
    gates = (AtLeast("accuracy", 0.9), AtMost("log_loss", 1.0, slice="a=b"), NoWorse("f1", 0.1))
    assert overrides.from_json(overrides.to_json(gates)) == gates


def test_a_bound_is_set() -> None:
    assert overrides.apply(TASK, ["gates.0.bound=0.99"]).gates[0].bound == 0.99


def test_all_gates_are_replaced() -> None:
    changed = overrides.apply(TASK, [f"gates=[{NO_WORSE}]"])
    assert changed.gates == (NoWorse("recall", 0.05, each_class=True),)
    assert overrides.apply(TASK, ["gates=[]"]).gates == ()


def test_one_past_the_end_appends() -> None:
    added = overrides.apply(TASK, [f"gates.{len(TASK.gates)}={NO_WORSE}"])
    assert added.gates == (*TASK.gates, NoWorse("recall", 0.05, each_class=True))
    assert overrides.apply(TASK, ["slices.0=format"]).slices == ("format",)


@pytest.mark.parametrize("value", ["0.9", '{"type": "Flatten"}'])
def test_what_is_no_gate_is_refused(value: str) -> None:
    with pytest.raises(BadInputError, match=r"AtLeast or AtMost or NoWorse|must be tuple"):
        overrides.apply(TASK, [f"gates.{len(TASK.gates)}={value}"])


def test_far_past_the_end_is_refused() -> None:
    with pytest.raises(BadInputError, match="'9' must be one of 0, 1"):
        overrides.apply(TASK, [f"gates.9={NO_WORSE}"])


def test_gates_stored_before_there_was_a_confidence_are_point_bounds() -> None:
    stored = '[{"type": "NoWorse", "metric": "f1", "tolerance": 0.1, "each_class": false}]'
    assert overrides.from_json(stored) == (NoWorse("f1", 0.1),)
    changed = overrides.apply(TASK, ["gates.0.confidence=0.95"]).gates[0]
    assert changed == AtLeast("accuracy", 0.97, confidence=0.95)
