"""What the report draws of a night."""

import json

import numpy as np
import pytest

from components.drift import plots
from components.drift.records import WINDOW, Night
from tests.components.drift import nights
from trainer_modules.engine.problems import Classification, Regression


def test_fractions_and_histograms_add_up_to_one() -> None:
    rng = np.random.default_rng(0)
    night = nights.night(nights.table(80, seed=2), nights.table(300, seed=1))
    features = {WINDOW: (rng.normal(size=(30, 6)), rng.normal(size=(300, 6)))}
    drawn = plots.data(night, Classification(classes=nights.CLASSES), features)
    assert drawn["labels"]["names"] == sorted(nights.CLASSES)
    for shares in (drawn["labels"]["shares"], drawn["numbers"]["brightness"]["shares"]):
        assert set(shares) == {"newest", "window"}
        assert all(sum(values) == pytest.approx(1, abs=1e-3) for values in shares.values())
    assert len(drawn["features"][WINDOW]["newest"]) == 30
    assert len(drawn["features"][WINDOW]["old"]) == 250
    assert len(json.dumps(drawn)) < 30_000


def test_the_plane_is_that_of_the_principal_components() -> None:
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    new, old = rng.normal(2, 1, (20, 7)), rng.normal(0, 3, (30, 7))
    night = nights.night(nights.table(20), nights.table(30, seed=1))
    drawn = plots.data(night, Classification(classes=nights.CLASSES), {WINDOW: (new, old)})
    both = np.concatenate([new, old])
    expected = PCA(2).fit_transform(both / both.std(axis=0))
    points = np.array(drawn["features"][WINDOW]["newest"] + drawn["features"][WINDOW]["old"])
    assert np.abs(points) == pytest.approx(np.abs(expected), abs=2e-3)


def test_of_many_classes_those_that_moved_are_drawn() -> None:
    labels = [f"c{i:03d}" for i in range(100)]
    old = nights.table(1000, label=labels * 10)
    new = nights.table(200, seed=1, label=["c042"] * 100 + labels)
    drawn = plots.data(nights.night(new, old), Classification(classes=tuple(labels)), {})
    assert "c042" in drawn["labels"]["names"] and len(drawn["labels"]["names"]) == 20
    assert drawn["labels"]["left_out"] == 80


def test_a_predicted_number_has_a_histogram() -> None:
    ages = nights.table(100, label=[str(i) for i in range(100)])
    drawn = plots.data(nights.night(ages, ages), Regression(target="age"), {})
    assert "age" in drawn["numbers"] and "labels" not in drawn


def test_without_new_examples_there_is_nothing_to_draw() -> None:
    night = Night(newest=None, references={}, trained_on=None, notes=())
    assert plots.data(night, Classification(classes=nights.CLASSES), {}) == {}
