"""DriftCheck on real digits: a damaged half of a span is told, an ordinary span is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.pusher import hold_advice
from tests.components.drift.conftest import CHANGES, Change, Digits
from trainer_modules import digits as task
from trainer_modules.engine.task import overrides

# What the champion learnt, the other spans of the window, the newest.
LEARNT, BEFORE, NEWEST = range(900), range(900, 1400), range(1400, 1700)


def checked(
    digits: Digits,
    folder: Path,
    change: Change | None = None,
    *,
    on_drift: str = "warn",
    champion: bool = True,
    spans: bool = True,
    newest: range = NEWEST,
) -> dict[str, Any]:
    """Runs DriftCheck as TFX does; returns `drift.json`."""
    from components.drift.artifacts import DriftFindings
    from components.drift.component import DriftCheck
    from components.pusher.hold_advice import HoldAdvice

    rows = digits.rows("span-2" if spans else "", BEFORE)
    rows += digits.rows("span-3" if spans else "", newest, change)
    examples, rejected = digits.write(folder / "now", rows)
    inputs = {"examples": [examples], "rejected": [rejected]}
    if champion:
        learnt = digits.rows("span-1" if spans else "", LEARNT)
        before = learnt if spans else learnt + digits.rows("", BEFORE)
        champion_examples, champion_rejected = digits.write(folder / "before", before)
        inputs |= {
            "champion": [digits.champion],
            "champion_examples": [champion_examples],
            "champion_rejected": [champion_rejected],
        }
    drift = DriftFindings()
    drift.uri = str(folder / "drift")
    Path(drift.uri).mkdir()
    hold = HoldAdvice()
    hold.uri = str(folder / "hold")
    parameters = {
        "problem": overrides.to_json(task.TASK.problem),
        "limits": overrides.to_json(task.TASK.drift),
        "on_drift": on_drift,
        "code_fingerprint": "",
    }
    DriftCheck.EXECUTOR_SPEC.executor_class().Do(
        inputs, {"drift": [drift], "hold": [hold]}, parameters
    )
    assert (folder / "drift" / "plots.json").exists()
    content: dict[str, Any] = json.loads((folder / "drift" / "drift.json").read_text())
    return content


def test_an_ordinary_span_is_compared_in_every_respect(digits: Digits, tmp_path: Path) -> None:
    content = checked(digits, tmp_path, on_drift="stop")
    assert (content["status"], content["findings"], content["notes"]) == ("none", [], [])
    compared = {(one["what"], one["against"]) for one in content["comparisons"]}
    assert {("features", "window"), ("features", "champion")} < compared
    assert content["samples"]["newest"] == {"name": "the newest span 'span-3'", "examples": 300}


@pytest.mark.parametrize(
    ("change", "what"),
    [("inverted", "brightness"), ("blurred", "features"), ("of another camera", "height")],
)
def test_a_span_half_of_which_is_damaged_is_told(
    digits: Digits, tmp_path: Path, change: str, what: str
) -> None:
    content = checked(digits, tmp_path, CHANGES[change])
    assert content["status"] == "warned" and not hold_advice.read(str(tmp_path / "hold"))
    found = {(one["what"], one["against"]) for one in content["findings"]}
    assert {(what, "window"), (what, "champion")} <= found
    assert all(one["p_value"] <= 0.01 for one in content["findings"])


def test_a_small_span_of_inverted_images_is_told(digits: Digits, tmp_path: Path) -> None:
    content = checked(digits, tmp_path, CHANGES["inverted"], newest=range(1400, 1440))
    assert {"brightness", "features"} <= {one["what"] for one in content["findings"]}


def test_stop_says_what_drifted_and_the_ways_out(digits: Digits, tmp_path: Path) -> None:
    from components.drift.component import DriftStopError

    with pytest.raises(DriftStopError) as stopped:
        checked(digits, tmp_path, CHANGES["of another camera"], on_drift="stop")
    message = str(stopped.value)
    assert "height of the newest span 'span-3' against the 1 other span" in message
    assert "median 8 before, 10 now" in message and "--on-drift warn (or hold)" in message
    # Half of the images are larger.
    assert "or allow as much with --set drift.numbers=0.55" in message
    assert stopped.value.content["status"] == "stopped" and "\n" not in message
    assert not (tmp_path / "drift" / "drift.json").exists()


def test_hold_says_so_and_lets_the_run_go_on(digits: Digits, tmp_path: Path) -> None:
    content = checked(digits, tmp_path, CHANGES["inverted"], on_drift="hold")
    assert content["status"] == "held" and content["findings"]
    reasons = hold_advice.read(str(tmp_path / "hold"))
    assert reasons == [f"drift: {one['sentence']}" for one in content["findings"]]


def test_a_growing_folder_tells_what_the_champion_has_not_seen(
    digits: Digits, tmp_path: Path
) -> None:
    content = checked(digits, tmp_path, CHANGES["blurred"], spans=False)
    assert content["samples"]["newest"]["examples"] == 300
    assert {one["what"] for one in content["findings"]} == {"features"}


def test_without_a_champion_the_window_is_compared(digits: Digits, tmp_path: Path) -> None:
    content = checked(digits, tmp_path, CHANGES["inverted"], champion=False)
    assert content["notes"] == ["no champion is known"]
    assert {one["what"] for one in content["findings"]} == {"brightness"}


def test_a_first_night_is_not_compared(digits: Digits, tmp_path: Path) -> None:
    content = checked(digits, tmp_path, champion=False, spans=False)
    assert (content["status"], content["findings"]) == ("not_compared", [])
    assert "so new examples cannot be told from old ones" in content["notes"][-1]
