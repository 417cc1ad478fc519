"""How the outcomes of gates are counted and their numbers written."""

import random

import pytest

from components.model_gate import gate_outcome
from components.model_gate.gate_outcome import FAILED, NOT_COMPARED, PASSED, Judged


def gates(*statuses: str) -> list[dict[str, str]]:
    return [{"status": status} for status in statuses]


@pytest.mark.parametrize(
    ("statuses", "text"),
    [
        ((), "no gates"),
        ((PASSED,), "1 of 1 gate passed"),
        ((PASSED, FAILED), "1 of 2 gates passed"),
        ((PASSED, NOT_COMPARED), "1 of 2 gates passed, 1 not compared"),
        ((PASSED, FAILED, NOT_COMPARED), "1 of 3 gates passed, 1 failed, 1 not compared"),
    ],
)
def test_the_count_in_words(statuses: tuple[str, ...], text: str) -> None:
    assert gate_outcome.counted(gates(*statuses)) == text


def test_only_a_failed_gate_refuses() -> None:
    assert not gate_outcome.refused(gates(PASSED, NOT_COMPARED))
    assert gate_outcome.refused(gates(PASSED, FAILED))
    assert gate_outcome.with_status(gates(PASSED, FAILED), FAILED) == gates(FAILED)


@pytest.mark.parametrize(
    ("stored", "status"),
    [
        ({"passed": True, "kind": "at_least", "bound": 0.5}, PASSED),
        ({"passed": False, "kind": "no_worse", "bound": 0.5}, FAILED),
        # Before there was a status, what had no baseline counted as passed.
        ({"passed": True, "kind": "no_worse", "bound": None}, NOT_COMPARED),
        ({"passed": None, "status": NOT_COMPARED}, NOT_COMPARED),
    ],
)
def test_gates_of_older_runs_are_understood(stored: dict, status: str) -> None:
    assert gate_outcome.status_of(stored) == status


def test_the_plain_form_says_class_and_passed() -> None:
    judged = Judged(
        name="n", kind="at_least", metric="recall", class_name="a", status=NOT_COMPARED, message="m"
    )
    plain = judged.plain()
    assert plain["class"] == "a" and "class_name" not in plain
    assert plain["passed"] is None and gate_outcome.status_of(plain) == NOT_COMPARED


@pytest.mark.parametrize(
    ("a", "b", "texts"),
    [
        (0.5, 0.9, ("0.50", "0.90")),
        (0.899, 0.9, ("0.899", "0.900")),
        (0.9, 0.9, ("0.90", "0.90")),
        (0.90001, 0.9, ("0.90001", "0.90000")),
    ],
)
def test_two_numbers_show_which_is_larger(a: float, b: float, texts: tuple[str, str]) -> None:
    assert gate_outcome.format_apart(a, b) == texts


def test_the_order_of_two_texts_is_that_of_their_numbers() -> None:
    chance = random.Random(0)
    for _ in range(2000):
        a = chance.random()
        b = a + chance.choice((1, -1)) * 10 ** -chance.uniform(0, 7)
        left, right = gate_outcome.format_apart(a, b)
        assert (float(left) < float(right)) == (a < b) and left != right
