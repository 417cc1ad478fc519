"""What is compared with what: spans, a folder that grows, a first night, an older artifact."""

from pathlib import Path

import pandas as pd

from components.drift import records
from components.drift.records import CHAMPION, WINDOW
from tests.components.drift import nights


def test_the_newest_span_is_compared_with_the_others_and_the_champions_data() -> None:
    before = pd.concat(nights.table(30, seed=i, span=f"span-{i}") for i in (1, 2))
    now = pd.concat([before, nights.table(20, seed=3, span="span-3")])
    night = records.night(nights.ingested(now), nights.ingested(before), has_champion=True)
    assert night.newest and night.newest.name == "the newest span 'span-3'"
    assert len(night.newest.table) == 20 and not night.notes
    sizes = {name: len(sample.table) for name, sample in night.references.items()}
    assert sizes == {WINDOW: 60, CHAMPION: 60}
    assert night.references[WINDOW].name == "the 2 other spans of the window"
    assert night.trained_on == set(before[before["split"] == "train"]["digest"])


def test_a_growing_folder_compares_what_the_champion_has_not_seen() -> None:
    before = nights.table(40, seed=1, span="")
    now = pd.concat([before, nights.table(15, seed=2, span="")])
    champion = nights.ingested(before, rejected=("a",))
    night = records.night(nights.ingested(now, rejected=("a", "b")), champion, has_champion=True)
    assert night.newest and len(night.newest.table) == 15 and night.newest.rejected == 1
    assert set(night.references) == {CHAMPION}
    same = records.night(nights.ingested(before), champion, has_champion=True)
    assert same.newest is None and same.notes == ("there are no new examples",)


def test_the_first_night_says_why_nothing_is_compared() -> None:
    span = nights.ingested(nights.table(20))
    first = records.night(span, None, has_champion=False)
    assert first.newest and not first.references
    assert first.notes == ("no champion is known", "the window holds no other span")
    folder = records.night(nights.ingested(nights.table(20, span="")), None, has_champion=False)
    assert folder.newest is None and "no spans" in folder.notes[-1]
    unknown = records.night(span, None, has_champion=True)
    assert unknown.notes[0] == "the data of the champion are not known here"


def test_records_are_read_whole_without_what_is_judged_or_unlabelled(tmp_path: Path) -> None:
    rows = nights.table(21)
    rows.loc[:2, "split"], rows.loc[3:4, "split"] = "judged", "unlabelled"
    read = records.read(nights.write(tmp_path / "rejected", rows, rejected=("x", "y")))
    assert read and len(read.table) == 16 and read.rejected == {"x", "y"}
    assert set(read.table["digest"]) == set(rows["digest"][5:])
    assert read.spans == [{"span": "span-1", "newest": True, "rejected": 0}]


def test_a_digest_that_ends_in_zeros_is_the_same_digest(tmp_path: Path) -> None:
    rows = nights.table(3, span="", digest=["ab" * 31 + "00", "00" * 32, "01" * 32])
    read = records.read(nights.write(tmp_path / "rejected", rows))
    assert read and list(read.table["digest"]) == list(rows["digest"])
    assert records.night(read, read, has_champion=True).newest is None


def test_an_artifact_of_an_earlier_version_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    assert records.read(str(tmp_path)) is None
    night = records.night(None, None, has_champion=True)
    assert night.newest is None and "earlier version" in night.notes[0]
