"""Which of several copies stays, against a plain rule and for every small case."""

import itertools
import random

import pytest

from components.example_gen import duplicates
from components.example_gen.duplicates import Drop, Relabel, copy_of
from tests.components.example_gen.conftest import encoded, ids, picture, write
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import (
    ImageFolders,
)


def copies(*given: tuple[str, str]) -> list[duplicates.Copy]:
    """Copies from (split, label), their ids in order."""
    return [
        copy_of(key=f"key{i}", id=f"{i}.png", split=split, label=label)
        for i, (split, label) in enumerate(given)
    ]


def test_one_alone_stays() -> None:
    assert duplicates.decide(copies(("train", "a")), within_split=True) == []


def test_the_judged_copy_stays_and_the_training_one_goes() -> None:
    found = duplicates.decide(copies(("train", "a"), ("test", "a")), within_split=True)
    assert found == [("key0", Drop(kept="1.png"))]


def test_contradicting_labels_drop_all_and_name_both() -> None:
    found = dict(duplicates.decide(copies(("train", "cat"), ("eval", "dog")), within_split=True))
    assert set(found) == {"key0", "key1"}
    for why in found.values():
        assert isinstance(why, Drop) and not why.kept
        assert why.reason == "same bytes labelled 'dog' (1.png) and 'cat' (0.png)"


def test_labels_that_unite_stay_on_one_copy() -> None:
    found = duplicates.decide(
        copies(("train", "a"), ("train", "b")),
        within_split=True,
        unite=lambda labels: "|".join(labels),
    )
    assert dict(found) == {"key1": Drop(kept="0.png"), "key0": Relabel("a|b")}


@pytest.mark.parametrize("within_split", [True, False])
def test_one_label_keeps_the_same_copy_in_whatever_order(within_split: bool) -> None:
    ranks = {"test": 0, "eval": 1, "train": 2}
    for splits in itertools.product(ranks, repeat=4):
        given = copies(*((split, "a") for split in splits))
        dropped = set()
        for seed in range(3):
            random.Random(seed).shuffle(given)
            now = duplicates.decide(given, within_split=within_split)
            dropped.add(tuple(sorted(now)))
        assert len(dropped) == 1
        best = min(range(4), key=lambda i: (ranks[splits[i]], i))
        stays = {i for i in range(4) if not within_split and splits[i] == splits[best]} | {best}
        assert {key for key, _ in now} == {f"key{i}" for i in range(4) if i not in stays}
        assert all(why == Drop(kept=f"{best}.png") for _, why in now)


PETS = Classification(classes=("cat", "dog"))


def test_duplicates_stay_in_the_held_out_split(ingest, tmp_path):
    same, other = encoded(picture(0)), encoded(picture(1))
    for place in ("train/cat/b", "train/cat/a", "valid/cat/x", "test/cat/y"):
        write(tmp_path / f"{place}.png", same)
    for place in ("train/cat/c", "train/dog/c"):
        write(tmp_path / f"{place}.png", other)
    for place in ("train/cat/e", "train/cat/d"):
        write(tmp_path / f"{place}.png", encoded(picture(2)))
    broken = same[:-20]
    write(tmp_path / "train/cat/broken1.png", broken)
    write(tmp_path / "train/dog/broken2.png", broken)
    found = ingest(tmp_path, ImageFolders(), PETS)
    assert found.summary["counts"] == {"train": 1, "eval": 0, "test": 1}
    assert ids(found, "train") == {"train/cat/d.png"}
    listed = {d["id"]: (d["kept"], d["split"]) for d in found.summary["duplicates"]["listed"]}
    assert listed == {
        "train/cat/a.png": ("test/cat/y.png", "train"),
        "train/cat/b.png": ("test/cat/y.png", "train"),
        "valid/cat/x.png": ("test/cat/y.png", "eval"),
        "train/cat/e.png": ("train/cat/d.png", "train"),
    }
    assert found.summary["duplicates"]["count"] == 4
    reason = "same bytes labelled 'cat' (train/cat/c.png) and 'dog' (train/dog/c.png)"
    assert found.rejected["train/cat/c.png"] == found.rejected["train/dog/c.png"] == reason
    assert "truncated" in found.rejected["train/cat/broken1.png"]
    assert "truncated" in found.rejected["train/dog/broken2.png"]
