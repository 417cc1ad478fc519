"""Bounds of numbers: what is on which side of them, and what the message says."""

import math
import re
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine import limits


@pytest.mark.parametrize(
    ("bounds", "fits", "too_far", "says"),
    [
        ({"above": 0}, (1e-300, 5), (0, -1), "above 0"),
        ({"least": 0}, (0, 0.0, 7), (-1e-300,), "at least 0"),
        ({"below": 1}, (0.999, -9), (1, 1.0), "below 1"),
        ({"most": 1}, (1, 1.0, -9), (math.nextafter(1, 2),), "at most 1"),
        ({"least": 0, "below": 1}, (0, 0.5), (-0.1, 1), "at least 0 and below 1"),
        ({"above": 0, "most": 1}, (1,), (0,), "above 0 and at most 1"),
        ({}, (0, -1e308), (), "finite"),
    ],
)
def test_each_bound_is_on_its_side(
    bounds: dict[str, float], fits: Any, too_far: Any, says: str
) -> None:
    for value in (*fits, None):
        limits.check_number("rate", value, **bounds)
    for value in (*too_far, math.nan, math.inf, -math.inf):
        message = re.escape(f"rate must be {says}. Received: {value!r}")
        with pytest.raises(ValueError, match=f"^{message}$"):
            limits.check_number("rate", value, **bounds)


@pytest.mark.parametrize("value", [True, "1", (1,), 1j, np.array(1.0)])
def test_what_is_no_number_is_said(value: Any) -> None:
    with pytest.raises(ValueError, match="rate must be a number at least 0. Received: "):
        limits.check_number("rate", value, least=0)


def test_a_choice_is_one_of_those_listed() -> None:
    limits.check_choice("resize", "area", ("area", "nearest"))
    with pytest.raises(ValueError, match="^resize must be one of area, nearest. Received: 'are'$"):
        limits.check_choice("resize", "are", ("area", "nearest"))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("b", "a", "b", "a", "c"), r"classes must be distinct. Received twice: a, b$"),
        # A forgotten comma: `("cat")` is a text, whose letters would be the classes.
        ("cat", r"classes must be a tuple of str. Received: 'cat'.*\(…,\), with the comma"),
    ],
)
def test_names_are_several_and_each_once(values: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        limits.check_distinct("classes", values)
    limits.check_distinct("classes", ("a", "A", ""))
    limits.check_distinct("classes", ())
