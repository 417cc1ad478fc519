"""A run's blessings, read from a real metadata store behind a gRPC-Web proxy."""

from typing import Any

import pytest

from pipelines.cloud import (
    commands as cloud_commands,
)
from pipelines.cloud import (
    config as cloud_config,
)
from tests.pipelines.cloud.blessing_cases import BLESSED, CASES


def _record(run: str, said: dict[str, int | None]) -> Any:
    """Returns a metadata store that holds what Kubeflow's driver and launcher write of a run.

    Source: CreateExecution, RecordArtifact and PublishExecution in kubeflow/pipelines,
    backend/src/v2/metadata/client.go; numbers become doubles in converter.go.
    """
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    config = mlmd.ConnectionConfig()
    config.fake_database.SetInParent()
    store = metadata_store.MetadataStore(config)
    kinds = {
        "context": store.put_context_type(mlmd.ContextType(name="system.PipelineRun")),
        "execution": store.put_execution_type(mlmd.ExecutionType(name="system.ContainerExecution")),
        "artifact": store.put_artifact_type(mlmd.ArtifactType(name="tfx.ModelBlessing")),
        "anomalies": store.put_artifact_type(mlmd.ArtifactType(name="tfx.ExampleAnomalies")),
    }
    for name, steps in ((run, said), ("another", {step: 1 - n for step, n in BLESSED.items()})):
        context = mlmd.Context(type_id=kinds["context"], name=name)
        for step, number in steps.items():
            execution = mlmd.Execution(type_id=kinds["execution"])
            execution.custom_properties["task_name"].string_value = step
            artifact = mlmd.Artifact(type_id=kinds["artifact"], uri=f"minio://b/{name}/{step}")
            artifact.custom_properties["display_name"].string_value = "blessing"
            if number is None:
                artifact.custom_properties["blessed"].struct_value.update({"train": 1})
            else:
                artifact.custom_properties["blessed"].double_value = number
            event = mlmd.Event(type=mlmd.Event.OUTPUT)
            event.path.steps.add().key = "blessing"
            store.put_execution(execution, [(artifact, event)], [context])
            context = store.get_context_by_type_and_name("system.PipelineRun", name)
        # ExampleAnomalies says for each split whether it is "blessed", in a Struct.
        execution = mlmd.Execution(type_id=kinds["execution"])
        execution.custom_properties["task_name"].string_value = "ExampleValidator"
        anomalies = mlmd.Artifact(type_id=kinds["anomalies"], uri=f"minio://b/{name}/anomalies")
        anomalies.custom_properties["blessed"].struct_value.update({"train": 1, "eval": 0})
        event = mlmd.Event(type=mlmd.Event.OUTPUT)
        event.path.steps.add().key = "anomalies"
        store.put_execution(execution, [(anomalies, event)], [context])
    return store


def _proxy(answer: Any) -> Any:
    """Returns what Kubeflow's pages answer, which pass such requests on to the store."""

    def pass_on(path: str, frame: bytes) -> tuple[int, bytes, str]:
        service, _, method = path[1:].partition("/")
        assert service == "ml_metadata.MetadataStoreService"
        assert frame[0] == 0 and int.from_bytes(frame[1:5]) == len(frame) - 5
        try:
            answered = answer(method, frame[5:])
            content = b"\0" + len(answered).to_bytes(4) + answered
            trailer = b"grpc-status: 0\r\n"
        except LookupError as error:
            content, trailer = b"", f"grpc-status: 5\r\ngrpc-message: {error}\r\n".encode()
        content += b"\x80" + len(trailer).to_bytes(4) + trailer
        return 200, content, "application/grpc-web+proto"

    return pass_on


def _answers(store: Any) -> Any:
    from ml_metadata.proto import metadata_store_service_pb2 as service

    def answer(method: str, request: bytes) -> bytes:
        asked = getattr(service, f"{method}Request").FromString(request)
        response = getattr(service, f"{method}Response")()
        store._call(method, asked, response)
        return response.SerializeToString()

    return _proxy(answer)


@pytest.fixture
def kubeflow(kubeflow_server: Any, compiled: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns the platform and a run of it that succeeded."""
    from pipelines.cloud.kubeflow.service import KubeflowService

    monkeypatch.setenv("KFP_TOKEN", "secret")
    host = kubeflow_server.address
    platform = KubeflowService(cloud_config.build({"target": "kubeflow", "host": host}))
    name, _ = platform.submit(compiled, {})
    kubeflow_server.runs[0]["state"] = "SUCCEEDED"
    return platform, name


@pytest.mark.parametrize(("said", "code", "line"), CASES)
def test_kubeflow(
    kubeflow: Any,
    kubeflow_server: Any,
    capfd: pytest.CaptureFixture,
    said: dict[str, int | None],
    code: int,
    line: str,
) -> None:
    platform, name = kubeflow
    kubeflow_server.metadata = _answers(_record(name, said))
    assert cloud_commands.follow(platform, name, pause=0.01) == code
    assert line in "".join(capfd.readouterr())
    assert kubeflow_server.authorizations == {"Bearer secret"}


def _refuse(method: str, request: bytes) -> bytes:
    del request
    raise LookupError(f"{method} is not for you")


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        (lambda *_: (404, {}), "must be the address of the user interface"),
        (lambda *_: (200, b"?", "application/grpc-web+proto"), "cannot be parsed"),
        (_proxy(lambda *_: b""), "has no record of run"),
        (_proxy(lambda *_: b"\xff\xff"), "cannot be parsed: DecodeError"),
        (_proxy(_refuse), "returned status 5: GetContextByTypeAndName is not for you"),
    ],
)
def test_an_outcome_that_cannot_be_read_is_said(
    kubeflow: Any, kubeflow_server: Any, capfd: pytest.CaptureFixture, answers: Any, line: str
) -> None:
    kubeflow_server.metadata = answers
    assert cloud_commands.follow(*kubeflow, pause=0.01) == 0
    (said,) = capfd.readouterr().err.splitlines()
    assert said.startswith("note: whether the model was blessed cannot be read") and line in said
