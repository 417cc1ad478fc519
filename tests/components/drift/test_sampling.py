"""Which images are compared by their features."""

import io
from pathlib import Path

import numpy as np

from components.drift import records, sampling
from components.drift.records import CHAMPION, WINDOW
from tests.components.drift import nights
from tests.components.drift.conftest import Digits


def test_what_the_champion_has_learnt_is_no_reference() -> None:
    old = nights.table(300, seed=1)
    seen = frozenset(old.loc[old["split"] == "train", "digest"])
    night = nights.night(nights.table(100, seed=2), old)
    for trained_on in (seen, None):
        known = type(night)(
            newest=night.newest, references=night.references, trained_on=trained_on, notes=()
        )
        _, chosen = sampling.chosen(known, 500)[WINDOW]
        assert set(chosen["split"]) == {"eval"} and len(chosen) == 300 - len(seen)


def test_both_sides_are_of_the_same_splits_where_there_are_enough() -> None:
    old = nights.table(300, seed=1)
    many, few = nights.table(1500, seed=2), nights.table(200, seed=3)
    seen = frozenset(old.loc[old["split"] == "train", "digest"])
    for table, splits in ((many, {"eval"}), (few, {"train", "eval"})):
        night = nights.night(table, old)
        known = type(night)(
            newest=night.newest, references=night.references, trained_on=seen, notes=()
        )
        new, _ = sampling.chosen(known, 500)[WINDOW]
        assert set(new["split"]) == splits


def test_the_sample_is_bounded_and_the_same_in_any_order() -> None:
    old = nights.table(900, seed=1, split="eval")
    new = nights.table(400, seed=2, split="eval")
    shuffled = nights.night(new.sample(frac=1, random_state=1), old.sample(frac=1, random_state=2))
    for a, b in zip(
        sampling.chosen(nights.night(new, old), 100)[WINDOW],
        sampling.chosen(shuffled, 100)[WINDOW],
        strict=True,
    ):
        assert len(a) == 100 and list(a["id"]) == list(b["id"])


def test_features_are_those_of_the_rows_in_their_order(digits: Digits, tmp_path: Path) -> None:
    from trainer_modules.engine.saved_model.features import Features

    examples, rejected = digits.write(tmp_path, digits.rows("span-2", range(900, 980)))
    read = records.read(rejected.uri)
    assert read
    rows = read.table
    new, old = rows[rows["split"] == "eval"], rows[rows["split"] == "train"]
    night = nights.night(new, None, old)
    known = type(night)(
        newest=night.newest, references=night.references, trained_on=frozenset(), notes=()
    )
    model = f"{digits.champion.uri}/Format-Serving"
    given = {"examples": examples.uri, "champion_examples": examples.uri}
    features, note = sampling.features(known, model, size=500, **given)
    ours, theirs = features[CHAMPION]
    assert (note, len(ours), len(theirs)) == ("", 16, 64)
    wanted, _ = sampling.chosen(known, 500)[CHAMPION]
    first = digits.images[int(wanted["id"].iloc[0].split("/")[1].removesuffix(".png"))]
    buffer = io.BytesIO()
    first.save(buffer, "PNG")
    assert np.allclose(ours[0], Features(model).of([buffer.getvalue()])[0], atol=1e-5)
    gone, _ = sampling.features(known, model, examples=examples.uri, champion_examples="", size=500)
    assert len(gone[CHAMPION][1]) == 0


def test_a_champion_without_features_is_said(digits: Digits, tmp_path: Path) -> None:
    night = nights.night(nights.table(20), nights.table(30, seed=1))
    features, note = sampling.features(
        night, str(tmp_path), examples="", champion_examples="", size=10
    )
    assert features == {} and note.startswith("features are not compared: there is no SavedModel")
