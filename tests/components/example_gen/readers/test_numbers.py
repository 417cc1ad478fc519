"""A number for each image: read from a CSV, from TFRecords or from folders, and checked."""

import pytest

from trainer_modules.engine.problems import LabelError, Regression

AGES = Regression(target="age", least=0, most=120)


@pytest.mark.parametrize(("value", "text"), [(3, "3.0"), ("3", "3.0"), (-0.0, "0.0"), (0.1, "0.1")])
def test_equal_numbers_are_equal_texts(value, text):
    problem = Regression(target="x")
    assert problem.label_text((value,)) == text
    assert problem.raw_labels(text) == {"x": [float(text)]}
    with pytest.raises(LabelError, match="0 values"):
        problem.label_text(())


@pytest.mark.parametrize("bounds", [{"least": 3, "most": 2}, {"least": float("nan")}])
def test_bounds_that_no_number_meets_are_refused(bounds):
    with pytest.raises(ValueError, match="Received"):
        Regression(target="x", **bounds)
