"""Reads a run's artifacts from Kubeflow's metadata store.

The API of Kubeflow Pipelines does not show artifacts. Its user interface reads them from the
metadata store, through a gRPC-Web proxy at the same address; so does this module. Kubeflow
Pipelines 3 removes that store (kubeflow/pipelines#13986): all code that depends on it is in this
module, behind `blessings`.
"""

import struct
import urllib.parse
from collections.abc import Mapping
from typing import Any

import urllib3

from components.service_calls import BLESSED, BLESSING, ServiceError

_RUN = "system.PipelineRun"
_CONTENT = "application/grpc-web+proto"
_DATA, _TRAILER = 0x00, 0x80
_TIMEOUT = 60


def blessings(host: str, run: str, headers: Mapping[str, str]) -> dict[str, bool]:
    """Returns step → whether it blessed the model, for the steps that can be read.

    Args:
      host: Address of Kubeflow Pipelines' user interface.
      run: The run's id.
      headers: For each request, such as the authorization.

    Raises:
      ServiceError: If there is no metadata store at that address, it has no record of the run, or
        its responses cannot be parsed.
    """
    try:
        return _read(host, run, headers)
    except ServiceError:
        raise
    except Exception as error:
        # These are another program's responses, perhaps of a future version: a successful run must
        # not end in a traceback because the verdict on its model cannot be parsed.
        raise ServiceError(
            f"the response of the metadata store at {host} cannot be parsed: "
            f"{type(error).__name__}: {error}"
        ) from error


def _read(host: str, run: str, headers: Mapping[str, str]) -> dict[str, bool]:
    from ml_metadata.proto import metadata_store_pb2, metadata_store_service_pb2

    def ask(method: str, **fields: Any) -> Any:
        request = getattr(metadata_store_service_pb2, f"{method}Request")(**fields)
        answer = getattr(metadata_store_service_pb2, f"{method}Response")()
        answer.ParseFromString(_call(host, method, request.SerializeToString(), headers))
        return answer

    context = ask("GetContextByTypeAndName", type_name=_RUN, context_name=run).context
    if not context.id:
        raise ServiceError(f"the metadata store at {host} has no record of run {run}")
    # The store cannot be queried for step names, which are properties; a run has a dozen steps.
    steps = {
        execution.id: execution.custom_properties["task_name"].string_value
        for execution in ask("GetExecutionsByContext", context_id=context.id).executions
    }
    events = ask("GetEventsByExecutionIDs", execution_ids=sorted(steps)).events
    # Other outputs also have `blessed` with another meaning: ExampleAnomalies for each split.
    made = {
        event.artifact_id: steps[event.execution_id]
        for event in events
        if event.type == metadata_store_pb2.Event.OUTPUT
        and [step.key for step in event.path.steps] == [BLESSING]
    }
    artifacts = ask("GetArtifactsByID", artifact_ids=sorted(made)).artifacts
    said = {
        made[artifact.id]: _number(artifact.custom_properties.get(BLESSED))
        for artifact in artifacts
    }
    return {step: number != 0 for step, number in said.items() if number is not None}


def _number(value: Any) -> float | None:
    """Returns a property's number, or None; Kubeflow stores every number as a double."""
    kind = value.WhichOneof("value") if value is not None else None
    return float(getattr(value, kind)) if kind in ("double_value", "int_value") else None


def _call(host: str, method: str, request: bytes, headers: Mapping[str, str]) -> bytes:
    """Returns the serialized response to a serialized request."""
    try:
        response = urllib3.request(
            "POST",
            f"{host.rstrip('/')}/ml_metadata.MetadataStoreService/{method}",
            body=struct.pack(">BI", _DATA, len(request)) + request,
            headers={"Content-Type": _CONTENT, "Accept": _CONTENT, "X-Grpc-Web": "1", **headers},
            timeout=_TIMEOUT,
            retries=2,
        )
    except urllib3.exceptions.HTTPError as error:
        raise ServiceError(f"the metadata store at {host} is unreachable: {error}") from error
    kind = response.headers.get("Content-Type", "")
    if response.status != 200 or not kind.startswith("application/grpc-web"):
        raise ServiceError(
            f"there is no metadata store at {host} (status {response.status}); --host must be the "
            "address of the user interface (svc/ml-pipeline-ui) of Kubeflow Pipelines 2"
        )
    try:
        return _message(response.data, dict(response.headers))
    except (struct.error, UnicodeDecodeError) as error:
        raise ServiceError(
            f"the response of the metadata store at {host} cannot be parsed: {error}"
        ) from error


def _message(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Returns the message in a gRPC-Web response: frames with a byte of type and four of length."""
    message = b""
    trailer = {key.lower(): value for key, value in headers.items()}
    while body:
        kind, length = struct.unpack(">BI", body[:5])
        frame, body = body[5 : 5 + length], body[5 + length :]
        if kind == _TRAILER:
            pairs = (line.partition(":") for line in frame.decode().splitlines())
            trailer |= {key.strip().lower(): value.strip() for key, _, value in pairs}
        else:
            message += frame
    if trailer.get("grpc-status", "0") != "0":
        why = urllib.parse.unquote(trailer.get("grpc-message", ""))
        raise ServiceError(f"the metadata store returned status {trailer['grpc-status']}: {why}")
    return message
