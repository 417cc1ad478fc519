"""Nights from summaries of today and of older versions."""

import json

import pytest

from pipelines.local.history import summarised
from pipelines.local.summary import Summary
from tests.pipelines.local.history import roots


def test_an_ordinary_night() -> None:
    summary = roots.summary(3)
    summary["per_class"]["b"]["f1"] = 0.25
    night = summarised.from_summary("x", summary)
    assert (night.status, night.version, night.seconds) == ("pushed", "103", 400.5)
    assert (night.metric, night.value) == ("accuracy", pytest.approx(0.9003))
    assert (night.worst_class, night.worst) == ("b", 0.25)
    assert night.size == 1100 and night.happened == []


def test_every_field_that_other_steps_add() -> None:
    summary = roots.summary(
        3,
        spans=[
            {"span": "span-1", "counts": {"train": 90, "eval": 10}},
            {"span": "span-2", "counts": {"train": 5, "eval": 1}},
        ],
        drift={"status": "held", "findings": [{"what": "x", "sentence": "darker"}]},
        held={"version": "103", "reasons": ["--promote hold"]},
        start={"from": "champion"},
        disk={"total": 12},
        gates=roots.refused(5),
    )
    night = summarised.from_summary("x", summary)
    assert night.spans == {"span-1": 100, "span-2": 6} and night.size == 6
    assert night.drift == "held" and night.start == "champion" and night.disk == {"total": 12}
    assert night.refused == ("class 0 is too low", "class 1 is too low", "class 2 is too low")
    assert night.happened[3:] == ["and 2 more gates", "held: --promote hold", "drift: darker"]


def test_a_night_that_holds_a_version_or_is_not_served() -> None:
    held = {"version": "7", "reasons": []}
    night = summarised.from_summary("x", {"status": "held", "held": held, "pushed_model": None})
    assert night.version == "7"
    withheld = {"status": "nothing_new", "withheld": "version 7 was withdrawn by Ann"}
    assert summarised.from_summary("x", withheld).happened == ["version 7 was withdrawn by Ann"]


def test_a_summary_of_today_whose_fields_are_empty() -> None:
    summary = json.loads(json.dumps(Summary(task="digits", run_id="x").__dict__))
    night = summarised.from_summary("x", summary)
    assert (night.status, night.value, night.worst, night.version) == ("failed", None, None, "")


def test_a_summary_of_an_older_version() -> None:
    gates = [{"name": "accuracy >= 0.97", "passed": False}]
    old = {"status": "not_blessed", "metrics": {"accuracy": float("nan")}, "gates": gates}
    night = summarised.from_summary("x", old)
    assert night.value is None, "JSON has no NaN"
    assert night.refused == ("accuracy >= 0.97",) and night.drift == ""


def test_a_serving_check_that_fails_is_a_reason() -> None:
    failed = {"passed": False, "reason": "loading: no such op"}
    night = summarised.from_summary("x", roots.summary(0, serving=failed))
    assert "no such op" in night.refused[0]


def test_an_endless_error_is_cut() -> None:
    night = summarised.from_summary("x", {"status": "failed", "error": "x" * 9999})
    assert len(night.error) == 400 and night.error.endswith("…")
