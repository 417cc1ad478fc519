"""A step has one CustomJob: against a server of JobService, with the step a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
PARENT = "projects/p/locations/r"
# TFX's own way from the step to the service; only the address is another.
STEP = """
import sys
from pipelines import startup
startup.prepare()
import grpc
from google.cloud import aiplatform_v1 as api
import json
from tfx.components.trainer.executor import GenericExecutor
from tfx.extensions.google_cloud_ai_platform import training_clients
from components.vertex import custom_job

def local(client_options):
    channel = grpc.insecure_channel(sys.argv[1])
    transport = api.JobServiceClient.get_transport_class("grpc")(channel=channel)
    return api.JobServiceClient(transport=transport)

training_clients.gapic.JobServiceClient = local
custom_job._LOOK = 0.1
job = {
    "project": "p",
    "display_name": "digits-training",
    "labels": {"pipeline-run": "run-1"},
    "job_spec": {"worker_pool_specs": [{"container_spec": {"image_uri": "i"}}]},
}
config = {"ai_platform_training_args": job, "ai_platform_vertex_region": "r"}
custom_job.run(GenericExecutor, {}, {}, {"custom_config": json.dumps(config)})
"""


class _Jobs:
    """JobService; jobs run until they are cancelled, or `end` is set."""

    def __init__(self) -> None:
        from google.cloud import aiplatform_v1 as api

        self.api, self.jobs, self.end = api, {}, False

    def add(self, name: str, run: str) -> None:
        self.jobs[f"{PARENT}/customJobs/{name}"] = self.api.CustomJob(
            name=f"{PARENT}/customJobs/{name}",
            display_name="digits-training",
            labels={"pipeline-run": run},
            state=self.api.JobState.JOB_STATE_RUNNING,
        )

    def state(self, name: str) -> str:
        return self.jobs[f"{PARENT}/customJobs/{name}"].state.name.removeprefix("JOB_STATE_")

    def _CreateCustomJob(self, request: Any, context: Any) -> Any:
        del context
        job = request.custom_job
        job.name = f"{request.parent}/customJobs/new"
        job.state = self.api.JobState.JOB_STATE_RUNNING
        self.jobs[job.name] = job
        return job

    def _GetCustomJob(self, request: Any, context: Any) -> Any:
        del context
        job = self.jobs[request.name]
        if self.end and request.name.endswith("/new"):
            job.state = self.api.JobState.JOB_STATE_SUCCEEDED
        return job

    def _ListCustomJobs(self, request: Any, context: Any) -> Any:
        del context
        wanted = request.filter.partition('"')[2].rstrip('"')
        assert request.filter.startswith("labels.pipeline-run=")
        found = [one for one in self.jobs.values() if one.labels["pipeline-run"] == wanted]
        return self.api.ListCustomJobsResponse(custom_jobs=found)

    def _CancelCustomJob(self, request: Any, context: Any) -> None:
        del context
        self.jobs[request.name].state = self.api.JobState.JOB_STATE_CANCELLED


@pytest.fixture
def jobs(grpc_server: Any) -> Any:
    from google.cloud import aiplatform_v1 as api

    work = _Jobs()
    methods = {
        "CreateCustomJob": (api.CreateCustomJobRequest, api.CustomJob),
        "GetCustomJob": (api.GetCustomJobRequest, api.CustomJob),
        "ListCustomJobs": (api.ListCustomJobsRequest, api.ListCustomJobsResponse),
        "CancelCustomJob": (api.CancelCustomJobRequest, None),
    }
    server = grpc_server(work, {"google.cloud.aiplatform.v1.JobService": methods})
    work.address = server.address.removeprefix("http://")
    return work


def _begin(jobs: Any) -> subprocess.Popen:
    """Starts the step and waits for its job."""
    step = subprocess.Popen([sys.executable, "-c", STEP, jobs.address], cwd=ROOT)
    end = time.monotonic() + 120
    while f"{PARENT}/customJobs/new" not in jobs.jobs:
        assert step.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    return step


def test_a_cancelled_step_cancels_its_job(jobs: Any) -> None:
    jobs.add("another", run="run-2")
    jobs.add("left", run="run-1")
    step = _begin(jobs)
    # What an earlier attempt of the same run left is gone before the new one begins.
    assert jobs.state("left") == "CANCELLED" and jobs.state("new") == "RUNNING"
    time.sleep(0.5)
    step.send_signal(signal.SIGTERM)
    assert step.wait(60) == 128 + signal.SIGTERM
    assert jobs.state("new") == "CANCELLED"
    assert jobs.state("another") == "RUNNING"


def test_a_step_that_is_left_alone_waits_for_its_job(jobs: Any) -> None:
    step = _begin(jobs)
    jobs.end = True
    assert step.wait(60) == 0
    assert jobs.state("new") == "SUCCEEDED"
