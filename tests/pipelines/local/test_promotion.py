"""What became of a model, told on the nights after the one that pushed or held it."""

from pathlib import Path

import pytest

from components.pusher import recording
from components.pusher.releases import Event
from pipelines.local.summary import Summary

pytestmark = pytest.mark.usefixtures("tfx_ready")


def concluded(
    folder: Path, *events: str, ran: tuple[str, ...] = (), version: str = "7", **properties: str
) -> Summary:
    """Returns the summary of a run whose Pusher has these properties, after these events."""
    from tfx.types import standard_artifacts

    from pipelines.local import promotion

    for event in events:
        recording.append(
            str(folder), Event(event=event, version=version, by="Ann", reason="because", time="T")
        )
    pushed = standard_artifacts.PushedModel()
    for name, value in properties.items():
        pushed.set_string_custom_property(name, value)
    summary = Summary(task="t", run_id="r", ran=list(ran))
    summary.pushed_model = properties.get("pushed_destination")
    promotion.conclude(summary, pushed, str(folder))
    return summary


HELD = {"held_version": "7", "held_reasons": '["half of the images are dark"]'}


def test_a_held_model_waits_on_every_night(tmp_path: Path) -> None:
    for ran in (("Pusher",), ()):
        summary = concluded(tmp_path, "held", ran=ran, **HELD)
        assert summary.status == "held" and summary.pushed_model is None
        assert summary.held == {"version": "7", "reasons": ["half of the images are dark"]}


def test_once_approved_it_is_served_and_nothing_is_new(tmp_path: Path) -> None:
    summary = concluded(tmp_path, "held", "approved", "pushed", **HELD)
    assert (summary.status, summary.held) == ("nothing_new", {})
    assert summary.pushed_model == f"{tmp_path}/7"


@pytest.mark.parametrize("event", ["refused", "withdrawn"])
def test_what_was_decided_against_is_said_with_who_and_why(tmp_path: Path, event: str) -> None:
    first = {"pushed_destination": f"{tmp_path}/7"} if event == "withdrawn" else HELD
    summary = concluded(tmp_path, event, **first)
    assert summary.status == "nothing_new" and summary.pushed_model is None
    assert summary.withheld == f"version 7 was {event} by Ann at T: because"


def test_what_pusher_left_alone_is_said(tmp_path: Path) -> None:
    summary = concluded(tmp_path, ran=("Pusher",), withheld="version 3 was withdrawn by Bob")
    assert (summary.status, summary.withheld) == ("nothing_new", "version 3 was withdrawn by Bob")


def test_a_removed_version_is_not_said_to_be_served(tmp_path: Path) -> None:
    place = {"pushed_destination": f"{tmp_path}/7"}
    summary = concluded(tmp_path, "pushed", "removed", **place)
    assert summary.withheld == "version 7 was removed at T (because)"
    assert summary.pushed_model is None


def test_a_push_is_one_only_in_the_run_that_pushed(tmp_path: Path) -> None:
    place = {"pushed_destination": f"{tmp_path}/7"}
    assert concluded(tmp_path, "pushed", ran=("Pusher",), **place).status == "pushed"
    assert concluded(tmp_path, ran=("Report",), **place).status == "nothing_new"
