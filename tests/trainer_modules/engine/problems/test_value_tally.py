"""The regression tally against scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems.value_tally import RegressionTally


def tally(truth: np.ndarray, value: np.ndarray, pieces: int = 1) -> RegressionTally:
    whole = RegressionTally()
    for part in np.array_split(np.arange(len(truth)), pieces):
        one = RegressionTally()
        if len(part):
            predictions = [{"value": np.float32(v)} for v in value[part]]
            one.add(truth[part].tolist(), predictions, [str(i) for i in part])
        whole.merge(one)
    return whole


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    # A large mean is where sums of squares lose their digits.
    truth = 1e4 + rng.normal(size=997)
    return truth, (truth + rng.normal(scale=0.5, size=997)).astype(np.float32)


def test_equals_scikit_learn(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, value = data
    found = tally(truth, value, pieces=5).metrics()
    assert found["mse"] == pytest.approx(sk.mean_squared_error(truth, value), abs=1e-6)
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, value), abs=1e-6)
    assert found["r2"] == pytest.approx(sk.r2_score(truth, value), abs=1e-6)
    assert found["rmse"] == pytest.approx(found["mse"] ** 0.5)
    assert found["bias"] == pytest.approx((value - truth).mean(), abs=1e-6)


@pytest.mark.parametrize("value", [[2.0, 2.0], [2.0, 3.0]])
def test_r2_of_a_constant_target(value: list[float]) -> None:
    truth = np.array([2.0, 2.0])
    found = tally(truth, np.array(value)).metrics()
    assert found["r2"] == sk.r2_score(truth, value)


def test_r2_of_one_example_is_undefined() -> None:
    assert np.isnan(tally(np.array([1.0]), np.array([1.0])).metrics()["r2"])


def test_deciles_follow_the_target(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, value = data
    deciles = tally(truth, value, pieces=3).details()["deciles"]
    assert sum(d["count"] for d in deciles) == len(truth)
    lowest = np.argsort(truth)[: deciles[0]["count"]]
    expected = np.abs(value[lowest] - truth[lowest]).mean()
    assert deciles[0]["mae"] == pytest.approx(expected, abs=1e-6)
    assert all(a["to"] <= b["from"] for a, b in itertools.pairwise(deciles))


def test_most_wrong_first_and_pieces_do_not_matter(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, value = data
    details = tally(truth, value).details()
    assert details == tally(truth, value, pieces=7).details()
    worst = int(np.abs(value - truth).argmax())
    assert details["most_wrong"][0]["id"] == str(worst)
