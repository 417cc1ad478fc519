"""Killed between any two steps, the same command ends as if nothing had happened."""

from pathlib import Path
from typing import Any

import pytest

from tests.components.pusher.exports import Nights, served

pytestmark = pytest.mark.usefixtures("tfx_ready")
HOLD = ("somebody should look",)


class Crash(BaseException):
    """The process is killed."""


def _crash_at(monkeypatch: pytest.MonkeyPatch, nth: int, *, before: bool) -> list[int]:
    """Ends the process before or after its nth step."""
    from components.pusher import placing, recording
    from trainer_modules.engine.saved_model import task_asset

    counted = [0]
    for module, name in (
        (placing, "move"),
        (placing, "delete"),
        (recording, "append"),
        (task_asset, "complete"),
    ):
        original = getattr(module, name)

        def step(*args: Any, original: Any = original, **named: Any) -> Any:
            counted[0] += 1
            if counted[0] == nth and before:
                raise Crash
            result = original(*args, **named)
            if counted[0] == nth:
                raise Crash
            return result

        monkeypatch.setattr(module, name, step)
    return counted


@pytest.mark.parametrize(
    "what",
    ["push", "hold", "promote", "renumber", "keep", "approve", "as_newest", "refuse", "back"],
)
def test_a_crash_between_any_two_steps_is_made_good_by_the_same_command(
    tmp_path: Path, what: str
) -> None:
    from components.pusher import releasing, rolling_back

    def prepared(place: Path) -> Nights:
        nights = Nights(place)
        for name in ("a", "b"):
            nights.push(name)
        if what not in ("push", "hold", "keep", "back"):
            nights.push("new", HOLD)
        if what in ("renumber", "as_newest"):
            nights.push("c")
        return nights

    def act(nights: Nights) -> None:
        said = {"by": "Ann", "reason": "because"}
        folder = str(nights.folder)
        if what in ("push", "promote", "renumber"):
            assert nights.push("new").destination
        elif what == "hold":
            assert nights.push("new", HOLD).action == "hold"
        elif what == "keep":
            nights.push("new", keep=1)
        elif what == "back":
            rolling_back.rollback(folder, **said)
        elif what == "approve":
            releasing.approve(folder, "latest", **said)
        elif what == "as_newest":
            version = next(e.version for e in nights.record.events if e.event == "held")
            releasing.approve(folder, version, **said, as_newest=True)
        else:
            version = (nights.record.held or nights.record.releases)[-1].version
            releasing.refuse(folder, version, **said)

    def state(nights: Nights) -> Any:
        names = [release.version for release in nights.record.releases]
        return (
            [names.index(name) for name in served(nights.folder)],
            nights.states,
            [release.removed for release in nights.record.releases],
            {
                place: [
                    names.index(path.name) for path in sorted((nights.folder / place).iterdir())
                ]
                for place in ("held", "withdrawn")
                if (nights.folder / place).exists() and list((nights.folder / place).iterdir())
            },
            {event.by for event in nights.record.events},
        )

    undisturbed = prepared(tmp_path / "undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        steps = _crash_at(patch, 0, before=True)
        act(undisturbed)
    assert steps[0] > 1
    for nth in range(1, steps[0] + 1):
        for before in (True, False):
            nights = prepared(tmp_path / f"{nth}-{before}")
            with pytest.MonkeyPatch.context() as patch:
                _crash_at(patch, nth, before=before)
                with pytest.raises(Crash):
                    act(nights)
            act(nights)
            assert state(nights) == state(undisturbed), (nth, before)
            assert not list((nights.folder / ".staged").glob("*"))


def test_another_run_finishes_what_a_person_began(tmp_path: Path) -> None:
    """The rollback was killed before a file moved; the night's push moves them first."""
    from components.pusher import rolling_back

    nights = Nights(tmp_path)
    _, second = nights.push("a"), nights.push("b")
    with pytest.MonkeyPatch.context() as patch:
        _crash_at(patch, 3, before=True)
        with pytest.raises(Crash):
            rolling_back.rollback(str(nights.folder), by="Ann", reason="wrong")
    assert second.version in served(nights.folder) and nights.events[-1] == "rolled_back"
    new = nights.push("c")
    assert nights.states == ["pushed", "withdrawn", "pushed"]
    assert second.version not in served(nights.folder) and new.version in served(nights.folder)


def test_an_approved_model_whose_files_are_lost_stays_approved_until_made_again(
    tmp_path: Path,
) -> None:
    from components.pusher import placing, recording, releases

    nights = Nights(tmp_path)
    held = nights.push("a", HOLD)
    event = releases.Event(event=releases.APPROVED, version=held.version, by="Ann", reason="good")
    recording.append(str(nights.folder), event)
    placing.delete(placing.held(str(nights.folder), held.version))
    other = nights.push("b")
    assert nights.states == ["approved", "pushed"]
    again = nights.push("a", HOLD)
    assert int(again.version) > int(other.version) and nights.states == ["pushed", "pushed"]
