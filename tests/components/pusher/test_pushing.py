"""A blessed model is pushed, held or left alone, on every night and after every crash."""

from pathlib import Path

import pytest

from tests.components.pusher.exports import Nights, served

pytestmark = pytest.mark.usefixtures("tfx_ready")
HOLD = ("somebody should look",)


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def test_every_push_is_recorded_and_every_version_is_newer(nights: Nights) -> None:
    first, second = nights.push("one"), nights.push("two")
    assert int(second.version) > int(first.version)
    assert served(nights.folder) == [first.version, second.version]
    event = nights.record.events[-1]
    assert (event.event, event.version, event.run_id) == ("pushed", second.version, "run of two")
    assert event.model.endswith("Trainer/two")
    again = nights.push("two")
    assert again.action == "unchanged" and nights.events == ["pushed", "pushed"]


def test_a_version_from_before_the_record_is_unchanged_and_recorded(nights: Nights) -> None:
    first = nights.push("one")
    (nights.folder / "releases.jsonl").unlink()
    assert nights.push("one").action == "unchanged"
    (event,) = nights.record.events
    assert event.version == first.version and "without an entry" in event.reason


def test_a_held_model_stays_held_until_somebody_decides(nights: Nights) -> None:
    first = nights.push("one")
    held = nights.push("two", HOLD)
    assert (held.action, held.destination, held.reasons) == ("hold", "", HOLD)
    assert int(held.version) > int(first.version)
    assert served(nights.folder) == [first.version]
    assert (nights.folder / "held" / held.version / "saved_model.pb").exists()
    again = nights.push("two", HOLD)
    assert again.version == held.version and nights.events == ["pushed", "held"]
    # The next night's model waits beside it.
    other = nights.push("three", HOLD)
    assert [release.version for release in nights.record.held] == [held.version, other.version]


def test_a_held_model_whose_files_are_lost_is_held_anew(nights: Nights) -> None:
    import shutil

    held = nights.push("one", HOLD)
    shutil.rmtree(nights.folder / "held")
    assert nights.push("one", HOLD).version == held.version
    assert (nights.folder / "held" / held.version / "saved_model.pb").exists()


def test_without_a_reason_to_hold_it_a_held_model_is_pushed(nights: Nights) -> None:
    held = nights.push("one", HOLD)
    pushed = nights.push("one")
    assert (pushed.action, pushed.version) == ("promote", held.version)
    assert served(nights.folder) == [held.version] and nights.states == ["pushed"]
    assert not (nights.folder / "held" / held.version).exists()


def test_a_held_model_behind_a_newer_one_is_pushed_under_a_new_number(nights: Nights) -> None:
    held = nights.push("one", HOLD)
    newer = nights.push("two")
    pushed = nights.push("one")
    assert int(pushed.version) > int(newer.version) > int(held.version)
    assert not nights.record.held and nights.states == ["pushed", "pushed"]
    known = nights.record.of_version(held.version)
    assert known is not None and known.version == pushed.version
    assert not list((nights.folder / "held").iterdir())


def test_what_was_served_already_is_not_held(nights: Nights) -> None:
    first = nights.push("one")
    assert nights.push("one", HOLD).action == "unchanged"
    assert served(nights.folder) == [first.version] and not nights.record.held


def test_a_withdrawn_model_is_not_pushed_again_but_a_new_one_is(nights: Nights) -> None:
    from components.pusher import rolling_back

    first, second = nights.push("one"), nights.push("two")
    rolling_back.rollback(str(nights.folder), by="Ann", reason="wrong dishes")
    for hold in ((), HOLD):
        left = nights.push("two", hold)
        assert left.action == "withheld" and not left.destination
        assert "withdrawn by Ann" in left.reasons[0] and "wrong dishes" in left.reasons[0]
    assert served(nights.folder) == [first.version]
    assert int(nights.push("three").version) > int(second.version)


def test_a_version_withdrawn_before_the_record_knew_its_model_is_not_pushed(nights: Nights) -> None:
    from components.pusher import rolling_back

    nights.push("one")
    nights.push("two")
    (nights.folder / "releases.jsonl").unlink()
    rolling_back.rollback(str(nights.folder), by="Ann", reason="wrong")
    left = nights.push("two")
    assert left.action == "withheld" and "withdrawn by Ann" in left.reasons[0]


def test_a_refused_model_is_not_pushed(nights: Nights) -> None:
    from components.pusher import releasing

    nights.push("one", HOLD)
    releasing.refuse(str(nights.folder), "latest", by="Ann", reason="too slow")
    for hold in ((), HOLD):
        assert "refused by Ann" in nights.push("one", hold).reasons[0]
    assert served(nights.folder) == [] and not list((nights.folder / "held").iterdir())


def test_only_the_newest_versions_are_kept(nights: Nights) -> None:
    from components.pusher import rolling_back

    names = [nights.push(name).version for name in ("a", "b", "c")]
    held = nights.push("d", HOLD)
    rolling_back.rollback(str(nights.folder), by="Ann", reason="c is wrong")
    newest = nights.push("e", keep=2)
    # `c` is withdrawn, and older than neither of the two that are kept.
    assert served(nights.folder) == [names[1], newest.version]
    assert (nights.folder / "held" / held.version).exists()
    assert (nights.folder / "withdrawn" / names[2]).exists()
    removed = [event for event in nights.record.events if event.event == "removed"]
    assert [(event.version, event.reason) for event in removed] == [(names[0], "--keep 2")]
    last = nights.push("f", keep=1)
    assert served(nights.folder) == [last.version]
    assert not list((nights.folder / "withdrawn").iterdir())
    # Its files are gone; what was decided about it is not.
    assert nights.push("c").action == "withheld"
