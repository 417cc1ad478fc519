"""A number as label: how it is read, bounded, learnt, shown and served."""

import math
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import LabelError, Regression, value_scale


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


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("1", "2"), "price must be one number. Received: 2 values"),
        (("  ",), "price is missing"),
        (("1,5",), "price must be a finite number. Received: '1,5'"),
        (("nan",), "price must be a finite number"),
        (("1e39",), "price must be a finite number"),  # finite in float64, not in the Example
        ((b"\xff",), "price must be a finite number"),
        (("-1",), "price must be at least 0 and at most 9. Received: -1.0"),
        ((9.5,), "price must be at least 0 and at most 9. Received: 9.5"),
    ],
)
def test_what_is_no_number_within_the_bounds_is_refused(values: Any, says: str) -> None:
    with pytest.raises(LabelError) as refused:
        Regression(target="price", least=0, most=9).label_text(values)
    assert says in str(refused.value)


def test_the_largest_number_is_that_of_float32() -> None:
    largest = float(np.finfo(np.float32).max)
    problem = Regression(target="price")
    assert float(problem.label_text((largest,))) == largest
    with pytest.raises(LabelError):
        problem.label_text((math.nextafter(largest, math.inf),))


def test_a_problem_learns_the_statistics_of_its_training_split() -> None:
    asked = Regression(target="year", standardise_target=True)
    assert set(asked.statistics_spec()) == {value_scale.MEAN, value_scale.DEVIATION}
    fitted = asked.fitted({value_scale.MEAN: 2000.5, value_scale.DEVIATION: 4.0})
    assert (fitted.target_mean, fitted.target_deviation) == (2000.5, 4.0)
    names = [layer.name for layer in fitted.output_layers()]
    assert names == ["scaled_value", "value"]
    with pytest.raises(BadInputError, match="year must vary"):
        asked.fitted({value_scale.MEAN: 2000.5, value_scale.DEVIATION: 0.0})
    plain = Regression(target="year")
    assert not plain.statistics_spec() and plain.fitted({}) is plain
    assert [layer.name for layer in plain.output_layers()] == ["value"]


@pytest.mark.parametrize(
    "wrong", [{"objective": "rmse"}, {"huber_delta": 0.0}, {"target_deviation": 0.0}]
)
def test_settings_that_teach_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received"):
        Regression(target="year", **wrong)


@pytest.mark.parametrize("objective", ["mse", "mae", "huber"])
def test_the_loss_is_the_objective_in_deviations_of_the_target(objective: str) -> None:
    """Written out in NumPy; `huber` turns linear at `huber_delta` deviations."""
    rng = np.random.default_rng(0)
    truth, guess = (rng.normal(20, 8, (64, 1)).astype(np.float32) for _ in range(2))
    problem = Regression(
        target="price", objective=objective, huber_delta=0.7, target_mean=20, target_deviation=4
    )
    error = np.abs(truth.astype(np.float64) - guess) / 4
    expected = {
        "mse": error**2,
        "mae": error,
        "huber": np.where(error <= 0.7, error**2 / 2, 0.7 * error - 0.7**2 / 2),
    }[objective]
    assert float(problem.loss()(truth, guess)) == pytest.approx(expected.mean(), rel=1e-5)


def test_a_number_is_shown_with_its_unit() -> None:
    import tensorflow as tf

    def shown(value: float, unit: str) -> str:
        example = tf.train.Example()
        example.features.feature["target"].float_list.value.append(value)
        return Regression(target="price", unit=unit).stored_label_text(example.features.feature)

    assert shown(12345.678, "kUSD") == "1.235e+04 kUSD"
    assert shown(1234, "") == "1,234"
    assert Regression(target="price").stored_label_text({}) == ""


def test_what_is_served_is_one_number_for_each_example() -> None:
    served = Regression(target="price").served(np.array([[1.5], [-2.0]]))
    assert {k: v.numpy().tolist() for k, v in served.items()} == {"value": [1.5, -2.0]}
