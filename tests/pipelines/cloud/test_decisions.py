"""Decisions about what a platform serves, in a folder that this machine sees too."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from components.pusher import placing, recording, releases
from components.pusher.releases import Event
from pipelines import run_kubeflow
from tests.components.pusher.exports import export, served

SAID = ("--by", "Ann", "--reason", "looked at it")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Version 1 of digits is served, version 2 is held."""
    folder = tmp_path / "digits"
    export(folder / "1", "1")
    recording.append(str(folder), Event(event=releases.PUSHED, version="1"))
    digest = placing.digest(str(export(folder / "held/2", "2")))
    recording.append(
        str(folder), Event(event=releases.HELD, version="2", more={"digest": digest, "served": "1"})
    )
    return tmp_path


def command(root: Path, *arguments: str, target: str = "kubeflow") -> int:
    place = ("--target", target, "--task", "digits", "--serving-root", str(root))
    return run_kubeflow.main([*arguments, *place])


def test_approve_and_roll_back(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(root, "approve", "latest", *SAID) == 0
    assert served(root / "digits") == ["1", "2"]
    assert "served  2" in capsys.readouterr().out
    assert command(root, "rollback", *SAID) == 0
    assert served(root / "digits") == ["1"]
    assert command(root, "rollback", "2", *SAID) == 0
    assert served(root / "digits") == ["1", "2"]


def test_refuse(root: Path) -> None:
    assert command(root, "refuse", "2", *SAID) == 0
    assert served(root / "digits") == ["1"] and not releases.read(str(root / "digits")).held


def test_the_platform_follows_an_approval_and_a_rollback_but_no_refusal(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.cloud.vertex.target import Vertex

    told: list[Any] = []
    monkeypatch.setattr(
        Vertex, "follow_decision", lambda self, config, folder, back: told.append((folder, back))
    )
    command(root, "refuse", "2", *SAID, target="vertex")
    assert not told
    command(root, "approve", "2", *SAID, target="vertex")
    command(root, "rollback", *SAID, target="vertex")
    assert told == [(f"{root}/digits/2", False), (f"{root}/digits/1", True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("approve", "7", *SAID), "held: 2), or latest. Received: 7"),
        (("rollback", "--by", "Ann", "--reason", " "), "--reason must say why"),
        (("rollback", *SAID, "--name", "nowhere"), "a mounted volume is changed where it is"),
    ],
)
def test_a_mistake_has_a_way_out(
    root: Path, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root, *arguments) == 2
    assert message in capsys.readouterr().err


def test_who_and_why_are_required(root: Path) -> None:
    with contextlib.suppress(SystemExit):
        assert command(root, "approve", "2") == 2
    assert served(root / "digits") == ["1"]
