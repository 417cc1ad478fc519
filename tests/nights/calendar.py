"""The thirty nights: what happens in each, what is run, and what the right verdict is."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image as Pillow

from tests.nights.season import TASK, Outcome, Season

PUSHED, NOTHING_NEW, HELD = "pushed", "nothing_new", "held"
FAILED, NOT_BLESSED = "failed", "not_blessed"
# The status that ends with each exit code.
_CODES = {PUSHED: 0, NOTHING_NEW: 0, HELD: 0, FAILED: 2, NOT_BLESSED: 3}
_WITHOUT_NINE = 9


@dataclass(frozen=True)
class Night:
    """One night.

    Attributes:
      title: What happens, for the table.
      expected: The right status.
      act: Delivers and runs; returns what came of it, having checked what only this night has.
    """

    title: str
    expected: str
    act: Callable[[Season], Outcome]


NIGHTS: list[Night] = []


def _night(title: str, expected: str) -> Callable[[Callable[[Season], Outcome]], None]:
    def add(act: Callable[[Season], Outcome]) -> None:
        NIGHTS.append(Night(title, expected, act))

    return add


def check(night: Night, before: Outcome | None, now: Outcome) -> None:
    """Checks what holds for every night: exit code, status, and what is served."""
    assert now.status == night.expected, f"{night.title}: {now.status}\n{now.said}"
    assert now.code == _CODES[night.expected], f"{night.title}: {now.code}\n{now.said}"
    served = before.served if before else []
    if night.expected == PUSHED:
        assert len(set(now.served) - set(served)) == 1, f"{night.title}: {now.served}"
        assert now.summary["pushed_model"].endswith(now.served[0]), night.title
    elif night.title not in _SERVES_OTHERS:
        assert now.served == served, f"{night.title}: {served} → {now.served}"


@_night("The first delivery", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(1, 70)
    now = season.night()
    assert [g["status"] for g in now.summary["gates"]] == ["passed", "not_compared"]
    return now


@_night("A new span", PUSHED)
def _(season: Season) -> Outcome:
    before = season.look(0, "", 0).summary["counts"]
    season.deliver(2, 4)
    now = season.night()
    added = sum(now.summary["counts"][s] - before[s] for s in ("train", "eval", "test"))
    assert added + now.summary["counts"]["duplicates"] == 4 * _WITHOUT_NINE
    return now


@_night("The same as the night before", NOTHING_NEW)
def _(season: Season) -> Outcome:
    now = season.night("--quiet")
    assert not now.said
    return now


@_night("Another span", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(4, 4)
    return season.night()


@_night("Damaged files, fewer than `--max-rejected` allows", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(5, 4)
    for path in sorted(season.span(5).rglob("*.png"))[:3]:
        path.write_bytes(path.read_bytes()[:40])
    now = season.night()
    assert now.summary["counts"]["rejected"] == 3
    return now


@_night("Damaged files, more than allowed", FAILED)
def _(season: Season) -> Outcome:
    season.deliver(6, 4)
    for path in sorted(season.span(6).rglob("*.png"))[:30]:
        path.write_bytes(b"not a picture")
    now = season.night()
    assert "--max-rejected" in now.summary["error"]
    return now


@_night("The delivery is repeated whole, as a second version", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(6, 4, version=2)
    now = season.night()
    assert now.summary["counts"]["rejected"] == 3
    return now


@_night("A new class", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(8, 4, without="")
    for i in range(30):
        _one_more_nine(season, i)
    now = season.night()
    assert "9" in now.summary["per_class"]
    assert now.summary["baseline"]["added"] == ["9"]
    assert "'9'" in _findings(now)
    return now


def _findings(now: Outcome) -> str:
    assert now.summary["drift"]["status"] == "warned", now.summary["drift"]
    return " ".join(finding["sentence"] for finding in now.summary["drift"]["findings"])


def _one_more_nine(season: Season, i: int) -> None:
    Pillow.fromarray(season.take("9")).save(season.span(8) / "9" / f"more-{i:02d}.png")


@_night("A vanished class", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(9, 12, without="3")
    now = season.night()
    assert "'3'" in _findings(now)
    return now


@_night("Half of the pictures inverted, `--on-drift stop`", FAILED)
def _(season: Season) -> Outcome:
    flip = iter(range(1000))
    season.deliver(
        10, 6, without="", change=lambda x, name: ((255 - x) if next(flip) % 2 else x, name)
    )
    now = season.night("--on-drift", "stop")
    assert now.summary["drift"]["status"] == "stopped"
    assert "brightness" in now.said
    return now


@_night("The inverted delivery is taken back, another one comes", PUSHED)
def _(season: Season) -> Outcome:
    shutil.rmtree(season.span(10).parent)
    season.deliver(11, 4, without="")
    return season.night("--on-drift", "stop")


@_night("Ten per cent of all labels are wrong", NOT_BLESSED)
def _(season: Season) -> Outcome:
    # The whole first delivery again, as a new version of it, with every tenth label moved on.
    _deliver_again(season, wrong=10)
    now = season.night()
    assert any(g["status"] == "failed" for g in now.summary["gates"])
    return now


@_night("The labels are corrected", PUSHED)
def _(season: Season) -> Outcome:
    _deliver_again(season, wrong=0)
    season.deliver(13, 4, without="")
    return season.night()


def _deliver_again(season: Season, *, wrong: int) -> None:
    """Delivers the first span once more, with every `wrong`th picture under the next class."""
    version = 1 + max(int(p.name[2:]) for p in season.span(1).parent.iterdir())
    target = season.span(1, version)
    for i, path in enumerate(sorted(season.span(1).rglob("*.png"))):
        name = path.parent.name
        if wrong and i % wrong == 0:
            name = str((int(name) + 1) % _WITHOUT_NINE)
        (target / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / name / path.name)


@_night("A span is delivered twice", PUSHED)
def _(season: Season) -> Outcome:
    before = season.look(0, "", 0).summary["counts"]
    season.deliver(14, 4, without="")
    shutil.copytree(season.span(14).parent, season.span(15).parent)
    now = season.night()
    added = sum(now.summary["counts"][s] - before[s] for s in ("train", "eval", "test"))
    twice = now.summary["counts"]["duplicates"] - before["duplicates"]
    assert added + twice == 80 and twice >= 40
    return now


@_night("A span arrives late", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(12, 4, without="")
    now = season.night()
    assert [s["number"] for s in now.summary["spans"]] == [1, 2, 4, 5, 6, 8, 9, *range(11, 16)]
    return now


@_night("The run is killed while it trains", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(16, 4, without="")
    killed = season.kill_in("phase 1: trainable")
    assert killed.code < 0
    now = season.night()
    assert {"ImageExampleGen", "Transform"} <= set(now.summary["cached"])
    return now


@_night("A second run of the task while one is in progress", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(17, 4, without="")
    with season.in_progress("phase 1: trainable") as running:
        second = season.night()
        assert second.code == 2 and str(running.pid) in second.said, second.said
    return season.look(running.returncode, "", 0.0)


@_night("A model is held", HELD)
def _(season: Season) -> Outcome:
    season.deliver(18, 4, without="")
    now = season.night("--promote", "hold")
    assert now.summary["held"]["version"]
    return now


@_night("It is approved", NOTHING_NEW)
def _(season: Season) -> Outcome:
    version = season.look(0, "", 0).summary["held"]["version"]
    done = season.about(
        *("--approve", str(TASK), version, "--root", str(season.root)),
        *("--by", "night watch", "--reason", "looked at its worst classes"),
    )
    assert done.code == 0 and done.served[0] == version, done.said
    return season.night("--promote", "hold")


@_night("It is rolled back", NOTHING_NEW)
def _(season: Season) -> Outcome:
    before = season.look(0, "", 0).served
    done = season.about(
        *("--rollback", str(TASK), "--root", str(season.root)),
        *("--by", "night watch", "--reason", "complaints about sevens"),
    )
    assert done.code == 0 and done.served == before[1:], done.said
    now = season.night("--promote", "hold")
    assert now.served == before[1:], "a version rolled back from came back"
    return now


@_night("A new span after the rollback", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(21, 4, without="")
    return season.night()


@_night("A gate is edited", NOTHING_NEW)
def _(season: Season) -> Outcome:
    now = season.night("--set", "gates.0.bound=0.91")
    assert "Trainer" in now.summary["cached"], now.summary["ran"]
    return now


@_night("The network is edited", PUSHED)
def _(season: Season) -> Outcome:
    now = season.night("--set", "phases.0.epochs=27")
    assert "Trainer" in now.summary["ran"] and "Transform" in now.summary["cached"]
    return now


@_night("A gate that cannot be passed; somebody is told", NOT_BLESSED)
def _(season: Season) -> Outcome:
    season.deliver(24, 4, without="")
    note = season.root.parent / "told"
    now = season.night("--set", "gates.0.bound=0.9999", "--notify", f"cp -t {note.parent}")
    told = note.parent / "summary.json"
    assert told.exists() and "not_blessed" in told.read_text()
    return now


@_night("Training starts from the champion", PUSHED)
def _(season: Season) -> Outcome:
    now = season.night("--start", "champion")
    assert now.summary["start"]["from"] == "champion", now.summary["start"]
    return now


@_night("From scratch and from the champion; the better one goes on", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(26, 4, without="")
    now = season.night("--start", "both")
    assert set(now.summary["start"]["compared"]) >= {"scratch", "champion"}
    return now


@_night("A window of the last six spans", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(27, 4, without="")
    now = season.night(
        "--window", "6", "--set", "gates.0.bound=0.5", "--set", "gates.1.tolerance=1"
    )
    assert [s["number"] for s in now.summary["spans"]] == [17, 18, 21, 24, 26, 27]
    return now


@_night("All spans again", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(28, 3, without="")
    return season.night()


@_night("The task is out of space: old nights are removed, the same command runs", NOTHING_NEW)
def _(season: Season) -> Outcome:
    done = season.about("--task", str(TASK), "--root", str(season.root), "--gc", "2")
    assert done.code == 0 and "Transform" in done.said, done.said
    return season.night()


@_night("The last delivery", PUSHED)
def _(season: Season) -> Outcome:
    season.deliver(30, 3, without="")
    return season.night()


# Nights whose commands change what is served without a push.
_SERVES_OTHERS = {"It is approved", "It is rolled back"}
assert len(NIGHTS) == 30, len(NIGHTS)
