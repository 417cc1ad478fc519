"""What the steps tell a webhook: of every end but success, and of a refused model."""

import json

import pytest

from components import service_calls
from pipelines.cloud import (
    notify,
)
from tests.pipelines.cloud.webhook import Receiver, final

BLESSED = {"artifacts": [{"uri": "/nowhere", "metadata": {"blessed": 1}}]}
REFUSED = {"artifacts": [{"uri": "/nowhere", "metadata": {"blessed": 0}}]}


def _argv(address: str, what: str, given: dict, *more: str) -> list[str]:
    where = ["--task", "digits", "--webhook", address]
    return [what, *where, *more, "--executor_input", json.dumps(given)]


@pytest.mark.parametrize("state", ["SUCCEEDED", "COMPLETE"])
def test_nobody_hears_of_success(receiver: Receiver, state: str) -> None:
    assert notify.main(_argv(receiver.address, "end", final(state))) == 0
    given = {"inputs": {"artifacts": {"ModelGate": BLESSED}}}
    assert notify.main(_argv(receiver.address, "verdict", given, "--fail")) == 0
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("state", "status"),
    [("CANCELLED", "cancelled"), ("FAILED", "failed"), ("RUNNING", "failed"), ("NEW", "failed")],
)
def test_every_other_end_is_told(receiver: Receiver, state: str, status: str) -> None:
    given = final(state)
    # Vertex AI hands over JSON as text where a step declares a string.
    values = given["inputs"]["parameterValues"]
    values["status"] = json.dumps(values["status"])
    assert notify.main(_argv(receiver.address, "end", given)) == 0
    assert [body["status"] for body in receiver.bodies] == [status]
    assert receiver.bodies[0]["reasons"] == [f"the run ended in the state {state}"]


def test_a_refusal_fails_the_run_where_a_mail_is_asked_for(
    receiver: Receiver, capsys: pytest.CaptureFixture
) -> None:
    given = {"inputs": {"artifacts": {"ServingCheck": REFUSED}, "parameterValues": {}}}
    assert notify.main(_argv(receiver.address, "verdict", given, "--fail")) == 3
    assert "not blessed. ServingCheck rejected it." in capsys.readouterr().err


def test_a_webhook_that_is_down_for_a_moment(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(service_calls, "PAUSE", 0.01)
    receiver.codes = [503, 429]
    assert notify.main(_argv(receiver.address, "end", final("FAILED"))) == 0
    receiver.codes = [404]
    assert notify.main(_argv(receiver.address, "end", final("FAILED"))) == 1
    assert notify.main(_argv("http://127.0.0.1:9/secret", "end", final("FAILED"))) == 1
    said = capsys.readouterr().err
    assert "the webhook at 127.0.0.1 returned status 404." in said and "cannot be reached" in said
    # Its path may be a password.
    assert "secret" not in said
