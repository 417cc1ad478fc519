"""A schema's comparators, measured by TFDV: drift against the window, skew against the champion."""

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.drift import comparators, judging
from components.drift.records import CHAMPION, WINDOW
from tests.components.drift import nights
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.drift import Drift

SCHEMA = text_format.Parse(
    """
    feature { name: "label" type: BYTES
      skew_comparator { infinity_norm { threshold: 0.1 } } }
    feature { name: "brightness" type: FLOAT
      drift_comparator { jensen_shannon_divergence { threshold: 0.3 } } }
    feature { name: "image" type: BYTES
      drift_comparator { infinity_norm { threshold: 0.1 } } }
    """,
    schema_pb2.Schema(),
)


def test_each_comparator_has_its_reference(tfx_ready: None) -> None:
    new = nights.table(200, seed=2)
    others = {"window": nights.table(600, seed=1), "champion": nights.table(400, seed=5)}
    calm = comparators.compare(nights.night(new, **others), SCHEMA)
    assert {(one.what, one.against, one.drifted) for one in calm} == {
        ("brightness", WINDOW, False),
        ("label", CHAMPION, False),
    }
    moved = new.assign(brightness=new["brightness"] / 4, label="bee")
    night = nights.night(moved, **others)
    measured = comparators.compare(night, SCHEMA)
    assert all(one.drifted and one.p_value is None for one in measured)
    label = next(one for one in measured if one.what == "label")
    share = (others["champion"]["label"] == "bee").mean()
    assert label.value == 1 - share and label.threshold == 0.1
    assert "L-infinity distance" in label.sentence and "0.1 in the schema" in label.sentence
    outcome = judging.judge(
        night, Classification(classes=nights.CLASSES), Drift(), {}, measured=measured
    )
    assert set(measured) < set(outcome.findings)


def test_a_limit_below_what_chance_does_is_kept_to(tfx_ready: None) -> None:
    """Who writes a comparator wants to hear of it, even where chance explains the difference."""
    tight = schema_pb2.Schema()
    tight.CopyFrom(SCHEMA)
    tight.feature[1].drift_comparator.jensen_shannon_divergence.threshold = 1e-6
    night = nights.night(nights.table(50, seed=2), nights.table(60, seed=1))
    (one,) = comparators.compare(night, tight)
    outcome = judging.judge(night, Classification(classes=nights.CLASSES), Drift(), {}, [one])
    assert outcome.status == judging.DRIFTED and outcome.findings == (one,)


def test_without_comparators_or_new_examples_nothing_is_measured(tfx_ready: None) -> None:
    night = nights.night(nights.table(20), nights.table(30, seed=1))
    assert comparators.compare(night, schema_pb2.Schema()) == []
    nothing = type(night)(newest=None, references={}, trained_on=None, notes=())
    assert comparators.compare(nothing, SCHEMA) == []
