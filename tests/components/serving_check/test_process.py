"""How the checking process compares numbers."""

import numpy as np
import pytest

from components.serving_check.process import CheckFailedError, _Checker


@pytest.mark.parametrize(("gap", "same"), [(0.0, True), (0.05, True), (20.0, False)])
def test_a_number_near_zero_is_compared_in_the_scale_of_the_others(gap: float, same: bool) -> None:
    """Heights in millimetres around sea level: float32 leaves 0.05 of a million's digits."""
    request = {"tolerance": 1e-5, "ids": ["peak", "shore"], "inputs": {"image_bytes": ["", ""]}}
    checker = _Checker(request, {})
    checker._outputs = {"value": np.array([1e6, 0.0], np.float32)}

    def compare() -> None:
        checker._compare("value", np.float32(gap), np.float32(0.0), 1, "in a batch")

    if same:
        compare()
        return
    with pytest.raises(CheckFailedError, match="`value` of shore differs by 20"):
        compare()
