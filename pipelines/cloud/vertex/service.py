"""Vertex AI: runs and schedules of compiled pipelines."""

import datetime
import functools
import json
import secrets
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as api
from google.protobuf import json_format

from components import service_calls
from components.service_calls import BLESSED, BLESSING, ServiceError
from components.vertex import calls as vertex_calls
from components.vertex.calls import TIMEOUT
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.schedules import Scheduled, Timing
from pipelines.cloud.vertex.config import VertexConfig

_OVER = {
    api.PipelineState.PIPELINE_STATE_SUCCEEDED: True,
    api.PipelineState.PIPELINE_STATE_FAILED: False,
    api.PipelineState.PIPELINE_STATE_CANCELLED: False,
}


class VertexService:
    """Vertex AI Pipelines in one project and region; see `PipelineService`."""

    def __init__(self, config: VertexConfig) -> None:
        self._google = config.google
        self._parent = f"projects/{self._google.project}/locations/{self._google.region}"
        self._where = f"Vertex AI ({self._parent})"

    @functools.cached_property
    def _jobs(self) -> api.PipelineServiceClient:
        return self._client(api.PipelineServiceClient)

    @functools.cached_property
    def _schedules(self) -> api.ScheduleServiceClient:
        return self._client(api.ScheduleServiceClient)

    def _client(self, kind: Any) -> Any:
        google = self._google
        return vertex_calls.client(kind, google.region or "", google.endpoint, where=self._where)

    def _call(self, method: Any, look_up: Any = lambda: None, **arguments: Any) -> Any:
        return service_calls.with_retries(
            lambda: method(**arguments, retry=None, timeout=TIMEOUT),
            transient=vertex_calls.is_transient,
            explain=self._explain,
            look_up=look_up,
        )

    def _explain(self, error: Exception) -> str:
        return vertex_calls.explain(error, self._where)

    def _job(self, compiled: Compiled, values: dict[str, Any]) -> api.PipelineJob:
        job = {**compiled.job, "runtimeConfig": {**compiled.job["runtimeConfig"]}}
        job["runtimeConfig"]["parameterValues"] = values
        return api.PipelineJob(json_format.ParseDict(job, api.PipelineJob.pb(api.PipelineJob())))

    def _run(self, compiled: Compiled, values: dict[str, Any]) -> api.CreatePipelineJobRequest:
        # A deterministic id: the same request sent twice creates one run.
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%S")
        return api.CreatePipelineJobRequest(
            parent=self._parent,
            pipeline_job=self._job(compiled, values),
            pipeline_job_id=f"{compiled.name}-{now}-{secrets.token_hex(3)}",
        )

    def run_request(self, compiled: Compiled, values: dict[str, Any]) -> dict[str, Any]:
        """Returns the CreatePipelineJobRequest."""
        return _plain(self._run(compiled, values))

    def submit(self, compiled: Compiled, values: dict[str, Any]) -> tuple[str, str]:
        """Starts a run."""
        request = self._run(compiled, values)
        name = f"{self._parent}/pipelineJobs/{request.pipeline_job_id}"

        def created_before() -> Any:
            try:
                return self._jobs.get_pipeline_job(name=name, retry=None, timeout=TIMEOUT)
            except exceptions.NotFound:
                return None

        job = self._call(self._jobs.create_pipeline_job, created_before, request=request)
        return job.name, self._link(f"runs/{request.pipeline_job_id}")

    def _link(self, page: str) -> str:
        return (
            f"https://console.cloud.google.com/vertex-ai/pipelines/locations/"
            f"{self._google.region}/{page}?project={self._google.project}"
        )

    def state(self, run: str) -> tuple[str, bool | None, str]:
        """Returns a run's state."""
        job = self._call(self._jobs.get_pipeline_job, name=run)
        name = job.state.name.removeprefix("PIPELINE_STATE_").lower()
        return name, _OVER.get(job.state), job.error.message

    def blessings(self, run: str) -> dict[str, bool]:
        """Returns step → whether it blessed the model, from the artifacts of the run's steps."""
        job = self._call(self._jobs.get_pipeline_job, name=run)
        return {
            step.task_name: artifact.metadata[BLESSED] != 0
            for step in job.job_detail.task_details
            if BLESSING in step.outputs
            for artifact in step.outputs[BLESSING].artifacts
            # A value that is not a number is not a readable blessing.
            if isinstance(artifact.metadata.get(BLESSED), float | int)
        }

    def _schedule(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> api.Schedule:
        request = api.CreatePipelineJobRequest(
            parent=self._parent, pipeline_job=self._job(compiled, values)
        )
        return api.Schedule(
            display_name=name,
            cron=f"TZ={timing.timezone} {timing.cron}",
            # The first counts runs being started, the second unfinished runs.
            max_concurrent_run_count=timing.max_concurrent,
            max_concurrent_active_run_count=timing.max_concurrent,
            start_time=timing.start,
            end_time=timing.end,
            create_pipeline_job_request=request,
        )

    def schedule_request(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> dict[str, Any]:
        """Returns the CreateScheduleRequest."""
        schedule = self._schedule(name, compiled, values, timing)
        return _plain(api.CreateScheduleRequest(parent=self._parent, schedule=schedule))

    def schedule(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> Scheduled:
        """Creates or updates the schedule with this name; a paused schedule stays paused."""
        schedule = self._schedule(name, compiled, values, timing)
        before = self._find(name)
        if before is None:
            made = self._call(
                self._schedules.create_schedule,
                lambda: self._named(name),
                parent=self._parent,
                schedule=schedule,
            )
            return Scheduled("created", self._link(f"schedules/{made.name.rpartition('/')[2]}"))
        schedule.name = before.name
        # A start in the past cannot be set again; without one the schedule keeps its own.
        changed = ["cron", "max_concurrent_run_count", "max_concurrent_active_run_count"]
        changed += ["create_pipeline_job_request"]
        changed += ["end_time"] if timing.end else []
        changed += ["start_time"] if timing.start else []
        made = self._call(
            self._schedules.update_schedule,
            schedule=schedule,
            update_mask={"paths": changed},
        )
        paused = before.state == api.Schedule.State.PAUSED
        if paused and made.state != api.Schedule.State.PAUSED:
            self._call(self._schedules.pause_schedule, name=made.name)
        return Scheduled("updated", self._link(f"schedules/{made.name.rpartition('/')[2]}"), paused)

    def _named(self, name: str) -> api.Schedule | None:
        request = api.ListSchedulesRequest(
            parent=self._parent, filter=f"display_name={json.dumps(name)}"
        )
        listed = self._schedules.list_schedules(request=request, retry=None, timeout=TIMEOUT)
        # The service's filter is not trusted to be exact.
        return next((schedule for schedule in listed if schedule.display_name == name), None)

    def _find(self, name: str) -> api.Schedule | None:
        matching: list[api.Schedule | None] = self._with_retries(lambda: [self._named(name)])
        return matching[0]

    def _with_retries(self, call: Any) -> Any:
        return service_calls.with_retries(
            call,
            transient=vertex_calls.is_transient,
            explain=self._explain,
        )

    def schedules(self) -> list[dict[str, str]]:
        """Returns the schedules."""
        listed = self._with_retries(
            lambda: list(
                self._schedules.list_schedules(parent=self._parent, retry=None, timeout=TIMEOUT)
            )
        )
        return [
            {
                "name": schedule.display_name,
                "state": schedule.state.name.lower(),
                "cron": schedule.cron,
                "next": str(schedule.next_run_time or ""),
            }
            for schedule in listed
        ]

    def change(self, name: str, what: str) -> None:
        """Pauses, resumes or deletes a schedule."""
        schedule = self._find(name)
        if schedule is None:
            known = ", ".join(row["name"] for row in self.schedules()) or "none"
            raise ServiceError(f"There is no schedule called {name}. Existing schedules: {known}.")
        methods = {
            "pause": self._schedules.pause_schedule,
            "resume": self._schedules.resume_schedule,
            "delete": self._schedules.delete_schedule,
        }
        self._call(methods[what], name=schedule.name)


def _plain(request: Any) -> dict[str, Any]:
    return dict(json_format.MessageToDict(type(request).pb(request)))
