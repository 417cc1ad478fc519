"""A night's verdict: what is told, what is not, and how often ordinary nights are."""

import numpy as np
import pandas as pd
import pytest

from components.drift import judging
from components.drift.judging import judge
from components.drift.records import CHAMPION, WINDOW
from tests.components.drift import nights
from trainer_modules.engine.problems import Classification, MultiLabel, Regression
from trainer_modules.engine.task.drift import Drift

PROBLEM = Classification(classes=nights.CLASSES)
OLD = nights.table(600, seed=1)


def told(new: pd.DataFrame, problem=PROBLEM, old: pd.DataFrame = OLD, **given) -> set[str]:
    outcome = judge(nights.night(new, old, **given), problem, Drift(), {})
    return {one.what for one in outcome.findings}


def test_an_ordinary_night_is_not_told() -> None:
    outcome = judge(nights.night(nights.table(200, seed=2), OLD), PROBLEM, Drift(), {})
    assert outcome.status == judging.NONE and not outcome.findings
    assert {one.what for one in outcome.comparisons} == {
        *("labels", "new classes", "vanished classes", "height", "width", "brightness"),
        *("format", "channels", "rejected"),
    }


def test_each_kind_of_change_is_told_by_its_name() -> None:
    new = nights.table(200, seed=2)
    half = np.arange(200) % 2 == 0
    inverted = np.where(half, 1 - new["brightness"], new["brightness"])
    assert told(new.assign(brightness=np.where(half, 0.9, new["brightness"]))) == {"brightness"}
    assert told(new.assign(brightness=inverted**0.5)) == {"brightness"}
    camera = new.assign(height=np.where(half, 1080, new.height), width=np.where(half, 1920, 500))
    assert told(camera) >= {"height", "width"}
    assert told(new.assign(format=np.where(half, "PNG", new["format"]))) == {"format"}
    assert told(new.assign(channels=np.where(half, 1, 3))) == {"channels"}
    assert told(new, rejected=(60, 5)) == {"rejected"}


def test_new_and_vanished_classes_are_named() -> None:
    new = nights.table(200, seed=2)
    more = new.assign(label=np.where(np.arange(200) % 20 == 0, "gnu", new["label"]))
    outcome = judge(nights.night(more, OLD), PROBLEM, Drift(), {})
    (gnu,) = [one for one in outcome.findings if one.what == "new classes"]
    assert "'gnu' (10)" in gnu.sentence and gnu.value == pytest.approx(0.05)
    fewer = new[new["label"] != "eel"]
    assert "vanished classes" in told(fewer)
    # One example of a class may well be missing by chance.
    rare = pd.concat([OLD, OLD[:1].assign(label="gnu")])
    assert told(new, old=rare) == set()


def test_a_small_change_of_many_examples_is_not_told() -> None:
    many = nights.table(20_000, seed=3)
    new = nights.table(20_000, seed=4)
    new["brightness"] += 0.01
    outcome = judge(nights.night(new, many), PROBLEM, Drift(), {})
    (brightness,) = [one for one in outcome.comparisons if one.what == "brightness"]
    assert brightness.p_value < 1e-3 and not brightness.drifted
    told_of = judge(nights.night(new, many), PROBLEM, Drift(numbers=0.01), {})
    assert {one.what for one in told_of.findings} == {"brightness"}


def test_a_predicted_number_is_compared_as_a_number() -> None:
    new = nights.table(100, seed=2)
    ages = nights.table(600, seed=1).assign(label=[str(20 + i % 40) for i in range(600)])
    older = new.assign(label=[str(50 + i % 40) for i in range(100)])
    assert told(older, Regression(target="age"), old=ages) == {"age"}


def test_sets_of_labels_are_compared_as_sets_and_their_names_looked_for() -> None:
    rng = np.random.default_rng(0)
    old = OLD.assign(label=rng.choice(["cat", "cat|dog", "dog"], 600))
    new = nights.table(200, seed=2).assign(label=rng.choice(["cat|dog", "cat|dog|eel"], 200))
    found = told(new, MultiLabel(classes=nights.CLASSES), old=old)
    assert found == {"labels", "new classes"}


def test_columns_that_an_artifact_lacks_are_not_compared() -> None:
    new = nights.table(50, seed=2).drop(columns=["brightness"]).assign(height=np.nan, format="")
    outcome = judge(nights.night(new, OLD), PROBLEM, Drift(), {})
    assert {one.what for one in outcome.comparisons}.isdisjoint({"brightness", "height", "format"})


def test_features_need_enough_images() -> None:
    rng = np.random.default_rng(0)
    few = {WINDOW: (rng.normal(size=(9, 4)), rng.normal(size=(50, 4)))}
    night = nights.night(nights.table(50, seed=2), OLD)
    outcome = judge(night, PROBLEM, Drift(), few)
    assert "9 new and 50 old images" in outcome.notes[0]
    moved = {WINDOW: (rng.normal(3, 1, (30, 4)), rng.normal(size=(50, 4)))}
    outcome = judge(night, PROBLEM, Drift(), moved)
    assert [one.what for one in outcome.findings] == ["features"]
    assert "30 and 50 images" in outcome.findings[0].sentence


def test_nothing_to_compare_is_said() -> None:
    night = nights.night(nights.table(50, seed=2))
    outcome = judge(night, PROBLEM, Drift(), {})
    assert outcome.status == judging.NOT_COMPARED and outcome.plain()["comparisons"] == []


def _ordinary(seed: int) -> bool:
    """Says whether a night of small spans without drift is reported; sizes and mixes vary."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(20, 201))
    mix = rng.dirichlet(np.full(len(nights.CLASSES), 3.0))
    tables, features = {}, {}
    for i, name in enumerate(("new", WINDOW, CHAMPION)):
        count = size if name == "new" else size * int(rng.integers(1, 8))
        labels = rng.choice(nights.CLASSES, count, p=mix)
        tables[name] = nights.table(count, seed=3 * seed + i, label=labels)
        features[name] = rng.gamma(1, size=(min(count, 60), 6))
    night = nights.night(tables["new"], tables[WINDOW], tables[CHAMPION])
    pairs = {name: (features["new"], features[name]) for name in (WINDOW, CHAMPION)}
    return bool(judge(night, PROBLEM, Drift(), pairs).findings)


def test_ordinary_nights_are_hardly_ever_told() -> None:
    assert sum(_ordinary(seed) for seed in range(30)) == 0


@pytest.mark.slow
def test_of_a_thousand_ordinary_nights_at_most_ten_are_told() -> None:
    """Two references, twenty comparisons each night, spans of 20 to 200 images."""
    assert sum(_ordinary(seed) for seed in range(1000)) <= 10
