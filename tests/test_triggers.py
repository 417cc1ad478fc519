"""The examples of docs/nightly.md that start a night: each is given to what would read it."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes import client

from pipelines import tasks
from pipelines.local import options

ROOT = Path(__file__).parent.parent
TRIGGERS = ROOT / "docs" / "triggers"
_CRON = re.compile(r"\| cron \| `((?:\S+ ){5})([^`]*)` \|")
_HOME = "/opt/tfx-vision/"


def _cron() -> tuple[str, str]:
    line = _CRON.search((ROOT / "docs" / "nightly.md").read_text(encoding="utf-8"))
    assert line
    return line[1].strip(), line[2]


def _units() -> str:
    (start,) = re.findall(r"^ExecStart=(.*)", (TRIGGERS / "nightly.service").read_text(), re.M)
    return start


def _job() -> dict[str, Any]:
    return yaml.safe_load((TRIGGERS / "cronjob.yaml").read_text(encoding="utf-8"))


def _workflow() -> dict[Any, Any]:
    return yaml.safe_load((TRIGGERS / "github-actions.yml").read_text(encoding="utf-8"))


def _container() -> dict[str, Any]:
    (container,) = _job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return container


def _commands() -> dict[str, list[str]]:
    (step,) = _workflow()["jobs"]["retrain"]["steps"]
    return {
        "cron": shlex.split(_cron()[1]),
        "systemd": shlex.split(_units()),
        "Kubernetes": [*_container()["command"], *_container()["args"]],
        "GitHub": shlex.split(step["run"]),
    }


@pytest.mark.parametrize("trigger", ["cron", "systemd", "Kubernetes", "GitHub"])
def test_the_command_is_one_of_this_program(trigger: str) -> None:
    words = _commands()[trigger]
    argv = words[1:]
    if words[0] == "python":
        # As the image holds the project.
        assert "PYTHONPATH=/opt/project" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
        program, argv = argv[0].removeprefix("/opt/project/"), argv[1:]
    else:
        program = words[0].removeprefix(_HOME)
    assert (ROOT / program).is_file()
    config = options.from_args(options.local_parser().parse_args(argv))
    assert config.quiet and config.root.startswith("/")
    tasks.load(config.task, config.settings)


def test_crons_line_runs_in_crons_environment(tmp_path: Path) -> None:
    """`/bin/sh`, four variables, the home folder: as far as the settings are checked."""
    when, line = _cron()
    assert re.fullmatch(r"(\d+|\*)( (\d+|\*)){4}", when) and "%" not in line
    command = line.replace(_HOME, f"{ROOT}/").replace("/srv/runs", f"{tmp_path}/runs")
    # .venv is set up: the tests run in it.
    variables = {"HOME": str(tmp_path), "LOGNAME": "me", "SHELL": "/bin/sh", "MAKE": "true"}
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} --set gates.0.bound=60"],
        cwd=tmp_path,
        env={**variables, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "gates.0.bound" in done.stderr and done.stdout == ""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for name in ("nightly.service", "nightly.timer"):
        text = (TRIGGERS / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(_HOME, f"{ROOT}/"))
    units = [str(tmp_path / name) for name in ("nightly.service", "nightly.timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True
    )
    ours = [line for line in done.stderr.splitlines() if "nightly" in line]
    assert done.returncode == 0 and ours == [], done.stderr
    (when,) = re.findall(r"^OnCalendar=(.*)", (tmp_path / "nightly.timer").read_text(), re.M)
    told = subprocess.run(
        ["systemd-analyze", "calendar", when], capture_output=True, text=True, check=True
    )
    assert f"Normalized form: {when}" in told.stdout


def test_kubernetes_knows_every_field_of_the_cron_job() -> None:
    """Its client's models drop what they do not know."""
    job = _job()
    api = client.ApiClient()
    read = api.deserialize(SimpleNamespace(data=json.dumps(job)), "V1CronJob")
    assert api.sanitize_for_serialization(read) == job
    # A refused model is no reason to train again, and two nights never overlap.
    spec = job["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0


def test_the_workflow_runs_at_night_and_once_at_a_time() -> None:
    workflow = _workflow()
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    (schedule,) = workflow[True]["schedule"]
    assert schedule["cron"] == _cron()[0] == _job()["spec"]["schedule"]
    assert workflow["concurrency"]["group"]
    assert set(workflow["jobs"]["retrain"]) <= {"runs-on", "timeout-minutes", "steps"}
