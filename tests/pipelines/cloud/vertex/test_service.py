"""Runs and schedules on Vertex AI, against a local server of its gRPC services."""

from typing import Any

import pytest

from components.service_calls import ATTEMPTS, ServiceError
from pipelines.cloud import commands as cloud_commands
from pipelines.cloud import config as cloud_config
from pipelines.cloud import schedules
from pipelines.cloud.compiled import Compiled

LOST = "lost"
WEEKLY = schedules.timing("0 3 * * 1", "Europe/Berlin", 1, None, None)
VALUES = {"data_path": "gs://b/other"}


@pytest.fixture
def vertex(vertex_server: Any) -> Any:
    from pipelines.cloud.vertex.service import VertexService

    return VertexService(
        cloud_config.build({"project": "p", "region": "r", "endpoint": vertex_server.address})
    )


def _code(name: str) -> Any:
    import grpc

    return grpc.StatusCode[name]


def test_submit(vertex: Any, vertex_server: Any, compiled: Compiled) -> None:
    name, link = vertex.submit(compiled, VALUES)
    (job,) = vertex_server.jobs.values()
    assert job.name == name
    assert job.service_account == "sa@p" and job.encryption_spec.kms_key_name == "key"
    assert job.network == "projects/1/global/networks/n" and job.labels == {"team": "vision"}
    assert dict(job.runtime_config.parameter_values) == VALUES
    assert job.runtime_config.gcs_output_directory == "gs://b/r"
    assert dict(job.pipeline_spec)["schemaVersion"] == "2.1.0"
    assert link.startswith("https://console.cloud.google.com/vertex-ai/") and "project=p" in link


def test_retries_a_503(vertex: Any, vertex_server: Any, compiled: Compiled) -> None:
    vertex_server.failures["CreatePipelineJob"] = [_code("UNAVAILABLE")] * 2
    vertex.submit(compiled, VALUES)
    assert len(vertex_server.jobs) == 1
    assert vertex_server.calls.count("CreatePipelineJob") == 3


def test_gives_up_on_a_503(vertex: Any, vertex_server: Any, compiled: Compiled) -> None:
    vertex_server.failures["CreatePipelineJob"] = [_code("UNAVAILABLE")] * 99
    with pytest.raises(ServiceError, match=f"All {ATTEMPTS} attempts"):
        vertex.submit(compiled, VALUES)
    assert not vertex_server.jobs


def test_a_lost_answer_makes_no_second_run(
    vertex: Any, vertex_server: Any, compiled: Compiled
) -> None:
    vertex_server.failures["CreatePipelineJob"] = [LOST]
    name, _ = vertex.submit(compiled, VALUES)
    assert list(vertex_server.jobs) == [name]
    assert vertex_server.calls == ["CreatePipelineJob", "GetPipelineJob"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UNAUTHENTICATED", "gcloud auth application-default login"),
        ("PERMISSION_DENIED", "docs/vertex.md lists the roles"),
        ("RESOURCE_EXHAUSTED", "a quota is exhausted"),
        ("INVALID_ARGUMENT", "INVALID_ARGUMENT says the server"),
    ],
)
def test_lasting_errors_are_said_at_once(
    vertex: Any, vertex_server: Any, compiled: Compiled, code: str, message: str
) -> None:
    vertex_server.failures["CreatePipelineJob"] = [_code(code)]
    with pytest.raises(ServiceError, match=message):
        vertex.submit(compiled, VALUES)
    assert vertex_server.calls == ["CreatePipelineJob"]


@pytest.mark.parametrize(("end", "exit_code"), [("SUCCEEDED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_follow(
    vertex: Any,
    vertex_server: Any,
    compiled: Compiled,
    capsys: pytest.CaptureFixture,
    end: str,
    exit_code: int,
) -> None:
    from google.cloud import aiplatform_v1 as api

    name, _ = vertex.submit(compiled, VALUES)
    states = ["PENDING", "RUNNING", "RUNNING", end]
    vertex_server.states = [api.PipelineState[f"PIPELINE_STATE_{state}"] for state in states]
    vertex_server.failures["GetPipelineJob"] = [None, _code("UNAVAILABLE")]
    assert cloud_commands.follow(vertex, name, (), pause=0.01) == exit_code
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["pending", "running", end.lower()]
    assert printed[3:] == ["the model is blessed"] if exit_code == 0 else len(printed) == 4
    if end == "FAILED":
        assert "Trainer ran out of memory." in printed[3]


def test_schedule_then_update(vertex: Any, vertex_server: Any, compiled: Compiled) -> None:
    assert vertex.schedule("weekly", compiled, VALUES, WEEKLY)[0] == "created"
    (schedule,) = vertex_server.schedules.values()
    assert schedule.cron == "TZ=Europe/Berlin 0 3 * * 1"
    assert schedule.max_concurrent_run_count == 1
    # Runs that are not over, not only those being started.
    assert schedule.max_concurrent_active_run_count == 1
    request = schedule.create_pipeline_job_request
    assert request.parent == "projects/p/locations/r"
    assert dict(request.pipeline_job.runtime_config.parameter_values) == VALUES

    later = schedules.timing("0 4 * * *", "UTC", 2, None, "2030-01-01T00:00:00")
    assert vertex.schedule("weekly", compiled, VALUES, later)[0] == "updated"
    (schedule,) = vertex_server.schedules.values()
    assert schedule.cron == "TZ=UTC 0 4 * * *" and schedule.max_concurrent_run_count == 2
    assert schedule.max_concurrent_active_run_count == 2
    assert schedule.end_time.isoformat() == "2030-01-01T00:00:00+00:00"


@pytest.mark.parametrize("resumes", [False, True])
def test_an_update_of_a_paused_schedule_leaves_it_paused(
    vertex: Any, vertex_server: Any, compiled: Compiled, resumes: bool
) -> None:
    vertex_server.update_resumes = resumes
    assert not vertex.schedule("weekly", compiled, VALUES, WEEKLY).paused
    vertex.change("weekly", "pause")
    assert vertex.schedule("weekly", compiled, VALUES, WEEKLY).paused
    (shown,) = vertex.schedules()
    assert shown["state"] == "paused"


def test_a_lost_answer_makes_no_second_schedule(
    vertex: Any, vertex_server: Any, compiled: Compiled
) -> None:
    # And the look-up fails once too, which must not be taken for "there is none".
    vertex_server.failures = {
        "CreateSchedule": [LOST],
        "ListSchedules": [None, _code("UNAVAILABLE")],
    }
    assert vertex.schedule("weekly", compiled, VALUES, WEEKLY)[0] == "created"
    assert len(vertex_server.schedules) == 1
    assert vertex_server.calls.count("CreateSchedule") == 1


def test_list_pause_resume_delete(vertex: Any, vertex_server: Any, compiled: Compiled) -> None:
    vertex.schedule("weekly", compiled, VALUES, WEEKLY)
    for what, state in (("pause", "paused"), ("resume", "active")):
        vertex.change("weekly", what)
        (shown,) = vertex.schedules()
        assert (shown["name"], shown["state"]) == ("weekly", state)
    with pytest.raises(ServiceError, match="no schedule called daily. Existing schedules: weekly"):
        vertex.change("daily", "pause")
    vertex.change("weekly", "delete")
    assert vertex.schedules() == [] and vertex_server.schedules == {}


def test_dry_run_prints_the_request(vertex: Any, vertex_server: Any, compiled: Compiled) -> None:
    request = vertex.run_request(compiled, VALUES)
    assert request["parent"] == "projects/p/locations/r"
    assert request["pipelineJob"]["runtimeConfig"]["parameterValues"] == VALUES
    request = vertex.schedule_request("weekly", compiled, VALUES, WEEKLY)
    assert request["schedule"]["cron"] == "TZ=Europe/Berlin 0 3 * * 1"
    assert vertex_server.calls == []


def test_nobody_there(compiled: Compiled) -> None:
    from pipelines.cloud.vertex.service import VertexService

    config = cloud_config.build({"project": "p", "region": "r", "endpoint": "http://127.0.0.1:9"})
    with pytest.raises(ServiceError, match="try again later"):
        VertexService(config).submit(compiled, VALUES)
