"""Runs and schedules on Kubeflow Pipelines, against a local server of its REST API."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.service_calls import ServiceError
from pipelines.cloud import commands as cloud_commands
from pipelines.cloud import config as cloud_config
from pipelines.cloud import schedules
from pipelines.cloud.compiled import Compiled
from trainer_modules.engine.errors import BadInputError

LOST = "lost"
WEEKLY = schedules.timing("0 3 * * 1", "UTC", 1, None, None)
VALUES = {"data_path": "/mnt/other"}


@pytest.fixture
def kubeflow(kubeflow_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from pipelines.cloud.kubeflow.service import KubeflowService

    monkeypatch.setenv("KFP_TOKEN", "secret")
    return KubeflowService(
        cloud_config.build(
            {
                "target": "kubeflow",
                "host": kubeflow_server.address,
                "pipeline_root": "minio://mlpipeline/r",
                "namespace": "team",
            }
        )
    )


def test_submit(kubeflow: Any, kubeflow_server: Any, compiled: Compiled) -> None:
    name, link = kubeflow.submit(compiled, VALUES)
    (run,) = kubeflow_server.runs
    assert run["run_id"] == name and link.endswith(f"/#/runs/details/{name}")
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"] == {"name": "digits"}
    assert "platforms" in run["pipeline_spec"]["platform_spec"]
    assert run["runtime_config"] == {
        "parameters": VALUES,
        "pipeline_root": "minio://mlpipeline/r/digits",
    }
    (experiment,) = kubeflow_server.experiments
    assert run["experiment_id"] == experiment["experiment_id"]
    assert kubeflow_server.authorizations == {"Bearer secret"}
    kubeflow.submit(compiled, VALUES)
    assert len(kubeflow_server.experiments) == 1 and len(kubeflow_server.runs) == 2


def test_lost_answers_make_nothing_twice(
    kubeflow: Any, kubeflow_server: Any, compiled: Compiled
) -> None:
    kubeflow_server.failures = {
        "POST experiments": [LOST],
        "POST runs": [LOST],
        "POST recurringruns": [LOST],
        "GET recurringruns": [None, 503],
    }
    kubeflow.submit(compiled, VALUES)
    assert kubeflow.schedule("weekly", compiled, VALUES, WEEKLY)[0] == "created"
    kept = kubeflow_server
    assert [len(k) for k in (kept.experiments, kept.runs, kept.recurring)] == [1, 1, 1]


def test_retries_a_503_and_gives_up_in_the_end(
    kubeflow: Any, kubeflow_server: Any, compiled: Compiled
) -> None:
    kubeflow_server.failures["POST runs"] = [503, 503]
    kubeflow.submit(compiled, VALUES)
    assert kubeflow_server.calls.count("POST runs") == 3
    kubeflow_server.failures["POST runs"] = [503] * 99
    with pytest.raises(ServiceError, match="says the server.*try again later"):
        kubeflow.submit(compiled, VALUES)


@pytest.mark.parametrize(("code", "message"), [(401, "KFP_TOKEN"), (400, "says the server")])
def test_lasting_errors_are_said_at_once(
    kubeflow: Any, kubeflow_server: Any, compiled: Compiled, code: int, message: str
) -> None:
    kubeflow_server.failures["POST runs"] = [code]
    with pytest.raises(ServiceError, match=message):
        kubeflow.submit(compiled, VALUES)
    assert kubeflow_server.calls.count("POST runs") == 1


def test_schedule_then_update(kubeflow: Any, kubeflow_server: Any, compiled: Compiled) -> None:
    assert kubeflow.schedule("weekly", compiled, VALUES, WEEKLY)[0] == "created"
    (first,) = kubeflow_server.recurring
    assert first["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * 1"
    assert first["max_concurrency"] == "1" and first["no_catchup"] is True
    later = schedules.timing("0 4 * * *", "UTC", 2, "2030-01-01", None)
    assert kubeflow.schedule("weekly", compiled, VALUES, later)[0] == "updated"
    (second,) = kubeflow_server.recurring
    assert second["trigger"]["cron_schedule"]["cron"] == "0 0 4 * * *"
    assert second["trigger"]["cron_schedule"]["start_time"] == "2030-01-01T00:00:00+00:00"
    assert second["recurring_run_id"] != first["recurring_run_id"]


def test_an_update_of_a_paused_schedule_leaves_it_paused(
    kubeflow: Any, kubeflow_server: Any, compiled: Compiled
) -> None:
    kubeflow.schedule("weekly", compiled, VALUES, WEEKLY)
    kubeflow.change("weekly", "pause")
    assert kubeflow.schedule("weekly", compiled, VALUES, WEEKLY).paused
    assert [one["status"] for one in kubeflow_server.recurring] == ["DISABLED"]


def test_list_pause_resume_delete(kubeflow: Any, kubeflow_server: Any, compiled: Compiled) -> None:
    kubeflow.schedule("weekly", compiled, VALUES, WEEKLY)
    for what, state in (("pause", "disabled"), ("resume", "enabled")):
        kubeflow.change("weekly", what)
        (shown,) = kubeflow.schedules()
        assert (shown["name"], shown["state"]) == ("weekly", state)
    with pytest.raises(ServiceError, match="no schedule called daily. Existing schedules: weekly"):
        kubeflow.change("daily", "delete")
    kubeflow.change("weekly", "delete")
    assert kubeflow_server.recurring == []


@pytest.mark.parametrize(("end", "exit_code"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_follow(
    kubeflow: Any, kubeflow_server: Any, compiled: Compiled, end: str, exit_code: int
) -> None:
    name, _ = kubeflow.submit(compiled, VALUES)
    kubeflow_server.runs[0] |= {"state": end, "error": {"message": "out of memory"}}
    assert cloud_commands.follow(kubeflow, name, (), pause=0.01) == exit_code


def test_other_time_zones_are_the_controllers(kubeflow: Any, compiled: Compiled) -> None:
    berlin = schedules.timing("0 3 * * 1", "Europe/Berlin", 1, None, None)
    with pytest.raises(BadInputError, match="CRON_SCHEDULE_TIMEZONE"):
        kubeflow.schedule_request("weekly", compiled, VALUES, berlin)


def test_nobody_there(compiled: Compiled) -> None:
    from pipelines.cloud.kubeflow.service import KubeflowService

    config = cloud_config.build({"target": "kubeflow", "host": "http://127.0.0.1:9"})
    with pytest.raises(ServiceError, match="cannot be reached.*Check --host"):
        KubeflowService(config).submit(compiled, VALUES)


def test_this_path_loads_no_google_cloud() -> None:
    program = (
        "import sys\n"
        "from pipelines.cloud import config as cloud_config\n"
        "from pipelines.cloud import targets\n"
        "config = cloud_config.build({'target': 'kubeflow', 'host': 'http://h'})\n"
        "targets.find(config.target).connect(config).run_request\n"
        "print([m for m in sys.modules if m.startswith('google.cloud.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[4],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"
