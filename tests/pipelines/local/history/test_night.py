"""What a night is called and how large it was."""

import pytest

from pipelines.local.history import night
from pipelines.local.history.night import Night


def test_a_run_id_is_a_time() -> None:
    assert night.time_of("20240131-235959-123") == "2024-01-31T23:59:59"
    assert night.time_of("yesterday") == ""


@pytest.mark.parametrize(
    ("spans", "expected"), [({"span-1": 500, "span-2": 50}, 50), ({}, 1100), (None, None)]
)
def test_the_size_is_that_of_the_newest_span_or_of_all_splits(spans, expected) -> None:
    counts = {} if spans is None else {"train": 1000, "eval": 100, "rejected": 7, "duplicates": 3}
    assert Night(run_id="x", examples=counts, spans=spans or {}).size == expected


def test_the_sentences_of_a_night_in_order_and_counted() -> None:
    told = Night(
        run_id="x",
        refused=("one", "two"),
        refused_count=3,
        held=("drift was found",),
        drift_findings=("darker",),
        error="no disk",
    ).happened
    assert told == [
        "one",
        "two",
        "and 1 more gate",
        "held: drift was found",
        "drift: darker",
        "no disk",
    ]


def test_a_night_survives_being_stored() -> None:
    kept = Night(run_id="x", refused=("one",), classes={"a": None}, report="stale")
    assert night.from_plain(kept.plain(), report="") == Night(
        run_id="x", refused=("one",), classes={"a": None}
    )
