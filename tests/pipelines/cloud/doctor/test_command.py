"""What `doctor` prints of its checks, and the exit code."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from pipelines.cloud import config as cloud_config
from pipelines.cloud import targets
from pipelines.cloud.doctor import command as doctor
from pipelines.cloud.doctor.check import OK, UNKNOWN, Check, Finding
from trainer_modules.engine.errors import BadInputError


@pytest.mark.slow
def test_without_a_network_it_ends_soon_and_says_so(tmp_path: Path) -> None:
    """The command itself, in a network namespace of its own where that can be had."""
    config = tmp_path / "cluster.toml"
    config.write_text(
        'target = "kubeflow"\nhost = "http://10.255.255.1"\npipeline_root = "minio://m/r"\n'
        'serving_root = "/mnt/serving"\nimage = "example.com/a/b@sha256:0"\n'
    )
    command = [
        *(sys.executable, "-m", "pipelines.run_kubeflow", "doctor", "--config", str(config)),
        *("--task", "digits", "--data", "/mnt/digits"),
    ]
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0:
        command = ["unshare", "-n", *command]
    begin = time.monotonic()
    done = subprocess.run(
        command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert time.monotonic() - begin < 150
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok           configuration")
    assert any(line.startswith("will stop    API server") for line in lines)
    assert any(line.startswith("cannot tell  image") for line in lines)
    assert lines[-1].endswith("cannot be decided from here") and "Traceback" not in done.stderr


def _raise(error: Exception) -> Finding:
    raise error


def test_each_check_has_its_line_whatever_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Lines in the order of the checks, though they run at once; nothing ends in a traceback."""
    config = cloud_config.build({"project": "p", "region": "r"})
    checks = (
        Check("API", lambda: Finding(OK, "all is well")),
        Check("bucket", lambda: _raise(BadInputError("gs://b is gone"))),
        Check("network", lambda: _raise(requests.ConnectionError("no\nroute"))),
        Check("kubectl", lambda: _raise(subprocess.TimeoutExpired("kubectl", 5))),
        Check("image", lambda: _raise(KeyError("digest"))),
    )
    monkeypatch.setattr(targets.find("vertex"), "checks", lambda _: checks, raising=False)
    # Nothing names the data: the job cannot be compiled.
    assert doctor.run(config) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("will stop    configuration  Required for vertex but missing: ")
    assert lines[1:4] == [
        "ok           API            all is well",
        "will stop    bucket         gs://b is gone",
        "cannot tell  network        ConnectionError: no route",
    ]
    assert lines[4].strip() == "-> Check the network connection of this machine."
    assert "TimeoutExpired" in lines[5] and "KeyError: 'digest'" in lines[6]
    assert lines[-1] == ("6 checks: 2 will stop a first run, 3 cannot be decided from here")


def test_what_cannot_be_decided_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    config = cloud_config.build({})
    unknown = (Check("quota", lambda: Finding(UNKNOWN, "not shown", "look there")),)
    monkeypatch.setattr(targets.find("vertex"), "checks", lambda _: unknown, raising=False)
    monkeypatch.setattr(doctor, "_configuration", lambda _: Finding(OK, "compiles"))
    assert doctor.run(config) == 0
    assert "0 will stop a first run, 1 cannot" in capsys.readouterr().out
