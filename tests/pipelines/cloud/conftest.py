"""Local servers that speak the platforms' real protocols, and fail as told."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from components import service_calls
from pipelines.cloud.compiled import Compiled
from tests.components.vertex.grpc_server import LOST, GrpcServer
from tests.pipelines.cloud.webhook import Receiver


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_calls, "PAUSE", 0.01)


@pytest.fixture
def compiled() -> Compiled:
    """Returns a job small enough to read, in the form of a compiled one."""
    return Compiled(
        {
            "displayName": "digits",
            "labels": {"team": "vision"},
            "serviceAccount": "sa@p",
            "network": "projects/1/global/networks/n",
            "encryptionSpec": {"kmsKeyName": "key"},
            "runtimeConfig": {
                "gcsOutputDirectory": "gs://b/r",
                "parameterValues": {"data_path": "gs://b/d"},
            },
            "pipelineSpec": {
                "pipelineInfo": {"name": "digits"},
                "schemaVersion": "2.1.0",
                "root": {"dag": {"tasks": {}}},
            },
        },
        {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}},
    )


@pytest.fixture
def grpc_server() -> Iterator[Callable[..., GrpcServer]]:
    """Starts servers of further services, for folders below."""
    started: list[GrpcServer] = []

    def start(work: Any, services: Any) -> GrpcServer:
        started.append(GrpcServer(work, services))
        return started[-1]

    yield start
    for one in started:
        one.stop()


class FakeVertex(GrpcServer):
    """PipelineService and ScheduleService over gRPC, by the client library's own messages."""

    def __init__(self) -> None:
        from google.cloud import aiplatform_v1 as api
        from google.longrunning import operations_pb2

        self.jobs: dict[str, Any] = {}
        self.schedules: dict[str, Any] = {}
        self.states: list[Any] = []
        # Google's pages do not say whether an update lets a paused schedule go on.
        self.update_resumes = False
        self._api = api
        services = {
            "google.cloud.aiplatform.v1.PipelineService": {
                "CreatePipelineJob": (api.CreatePipelineJobRequest, api.PipelineJob),
                "GetPipelineJob": (api.GetPipelineJobRequest, api.PipelineJob),
            },
            "google.cloud.aiplatform.v1.ScheduleService": {
                "CreateSchedule": (api.CreateScheduleRequest, api.Schedule),
                "UpdateSchedule": (api.UpdateScheduleRequest, api.Schedule),
                "ListSchedules": (api.ListSchedulesRequest, api.ListSchedulesResponse),
                "PauseSchedule": (api.PauseScheduleRequest, None),
                "ResumeSchedule": (api.ResumeScheduleRequest, None),
                "DeleteSchedule": (api.DeleteScheduleRequest, operations_pb2.Operation),
            },
        }
        super().__init__(self, services)

    def _CreatePipelineJob(self, request: Any, context: Any) -> Any:
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        if name in self.jobs:
            context.abort(self._grpc.StatusCode.ALREADY_EXISTS, name)
        job = request.pipeline_job
        job.name = name
        self.jobs[name] = job
        return job

    def _GetPipelineJob(self, request: Any, context: Any) -> Any:
        if request.name not in self.jobs:
            context.abort(self._grpc.StatusCode.NOT_FOUND, request.name)
        job = self.jobs[request.name]
        if self.states:
            job.state = self.states.pop(0)
            if job.state == self._api.PipelineState.PIPELINE_STATE_FAILED:
                job.error.message = "Trainer ran out of memory."
        return job

    def _CreateSchedule(self, request: Any, context: Any) -> Any:
        del context
        schedule = request.schedule
        schedule.name = f"{request.parent}/schedules/{len(self.schedules) + 1}"
        schedule.state = self._api.Schedule.State.ACTIVE
        self.schedules[schedule.name] = schedule
        return schedule

    def _UpdateSchedule(self, request: Any, context: Any) -> Any:
        del context
        kept = self.schedules[request.schedule.name]
        for path in request.update_mask.paths:
            setattr(kept, path, getattr(request.schedule, path))
        if self.update_resumes:
            kept.state = self._api.Schedule.State.ACTIVE
        return kept

    def _ListSchedules(self, request: Any, context: Any) -> Any:
        del request, context
        return self._api.ListSchedulesResponse(schedules=list(self.schedules.values()))

    def _PauseSchedule(self, request: Any, context: Any) -> None:
        del context
        self.schedules[request.name].state = self._api.Schedule.State.PAUSED

    def _ResumeSchedule(self, request: Any, context: Any) -> None:
        del context
        self.schedules[request.name].state = self._api.Schedule.State.ACTIVE

    def _DeleteSchedule(self, request: Any, context: Any) -> Any:
        from google.longrunning import operations_pb2

        del context, self.schedules[request.name]
        return operations_pb2.Operation(name="operations/1", done=True)


@pytest.fixture
def vertex_server() -> Iterator[FakeVertex]:
    server = FakeVertex()
    yield server
    server.stop()


class FakeKubeflow:
    """The REST API of Kubeflow Pipelines; bodies must be models of kfp-server-api.

    `failures` maps `METHOD last-part-of-path` to HTTP codes, or `LOST`, for the next calls.
    """

    def __init__(self) -> None:
        self.experiments: list[dict] = []
        self.runs: list[dict] = []
        self.recurring: list[dict] = []
        self.calls: list[str] = []
        self.failures: dict[str, list[Any]] = {}
        # What answers a path of the metadata store: code, content, its type.
        self.metadata: Callable[[str, bytes], tuple] = lambda *_: (404, {})
        self.authorizations: set[str | None] = set()
        self.cookies: set[str | None] = set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                fake.answer(self)

            do_GET = do_POST = do_DELETE = _do

            def log_message(self, *args: object) -> None:
                del args

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0].removeprefix("/apis/v2beta1/")
        length = int(handler.headers.get("Content-Length") or 0)
        sent = handler.rfile.read(length)
        self.authorizations.add(handler.headers.get("Authorization"))
        self.cookies.add(handler.headers.get("Cookie"))
        if handler.path.startswith("/ml_metadata."):
            self._send(handler, *self.metadata(handler.path, sent))
            return
        body = json.loads(sent) if sent else {}
        kind = path.partition("/")[0].partition(":")[0]
        call = f"{handler.command} {kind}"
        self.calls.append(call)
        failure = (self.failures.get(call) or [None]).pop(0)
        if failure not in (None, LOST):
            self._send(handler, failure, {"message": "says the server"})
            return
        code, found = self._work(handler.command, path, body)
        if failure == LOST:
            handler.close_connection = True
            handler.connection.close()
            return
        self._send(handler, code, found)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        code: int,
        found: dict | bytes,
        kind: str = "application/json",
    ) -> None:
        content = found if isinstance(found, bytes) else json.dumps(found).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _work(self, method: str, path: str, body: dict) -> tuple[int, dict]:
        kind, _, rest = path.partition("/")
        kept, key = {
            "experiments": (self.experiments, "experiment_id"),
            "runs": (self.runs, "run_id"),
            "recurringruns": (self.recurring, "recurring_run_id"),
        }[kind]
        if method == "POST" and not rest:
            _is_model(body, kind)
            made = {**body, key: f"{kind}-{len(self.calls)}"}
            if kind == "recurringruns":
                made["status"] = f"{body['mode']}D"
            kept.append(made)
            return 200, made
        if method == "GET" and not rest:
            return 200, {{"recurringruns": "recurringRuns"}.get(kind, kind): kept}
        name, _, verb = rest.partition(":")
        found = next((one for one in kept if one[key] == name), None)
        if found is None:
            return 404, {"message": f"{name} not found"}
        if method == "DELETE":
            kept.remove(found)
        if verb:
            found["status"] = f"{verb.upper()}D"
        return 200, found


def _is_model(body: dict, kind: str) -> None:
    """Raises unless every key is one of the API's model."""
    import kfp_server_api as api

    model = {
        "experiments": api.V2beta1Experiment,
        "runs": api.V2beta1Run,
        "recurringruns": api.V2beta1RecurringRun,
    }[kind]
    assert set(body) <= set(model.attribute_map.values()), body.keys()


@pytest.fixture
def kubeflow_server() -> Iterator[FakeKubeflow]:
    server = FakeKubeflow()
    yield server
    server.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.stop()
