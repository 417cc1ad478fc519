"""Vertex AI's ModelService and EndpointService: calls with retries, and long operations.

They are the generated clients and not `aiplatform.Model.upload` and `Endpoint.deploy`: between a
request and its response those have no place to look for what a lost response created, so that a
repetition would register or deploy a second time; they do not wait for an operation that another
attempt started, and `Endpoint.deploy` rounds the shares of the traffic for the first models in the
split instead of the nearest.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as api

from components import service_calls
from components.service_calls import ServiceError
from components.vertex import calls as vertex_calls
from components.vertex.calls import TIMEOUT
from components.vertex.settings import Deployment

T = TypeVar("T")
# Seconds between two polls of an operation, and its time limit.
PAUSE, LONGEST = 10.0, 2 * 3600.0


class Service:
    """Both services in one project and region. Failures raise `ServiceError`."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._where = f"Vertex AI ({deployment.parent})"

    @functools.cached_property
    def models(self) -> api.ModelServiceClient:
        """Client of the Model Registry."""
        return self._client(api.ModelServiceClient)

    @functools.cached_property
    def endpoints(self) -> api.EndpointServiceClient:
        """Client of the endpoints."""
        return self._client(api.EndpointServiceClient)

    def _client(self, kind: Any) -> Any:
        given = self._deployment
        return vertex_calls.client(kind, given.region, given.address or None, where=self._where)

    def call(self, method: Any, request: Any, look_up: Callable[[], Any] = lambda: None) -> Any:
        """Returns a method's response, or the result of `look_up` if the response was lost.

        With `look_up`, "already exists" means that a lost request created the object, which is not
        visible yet: this waits for it as well.
        """

        def transient(error: Exception) -> bool:
            lost = isinstance(error, exceptions.AlreadyExists)
            return vertex_calls.is_transient(error) or lost

        return service_calls.with_retries(
            lambda: method(request=request, retry=None, timeout=TIMEOUT),
            transient=transient,
            explain=self._explain,
            look_up=look_up,
        )

    def all(self, method: Any, request: Any) -> list[Any]:
        """Returns the items on all pages of a listing method."""
        listed: list[Any] = service_calls.with_retries(
            lambda: list(method(request=request, retry=None, timeout=TIMEOUT)),
            transient=vertex_calls.is_transient,
            explain=self._explain,
        )
        return listed

    def finish(self, client: Any, operation: Any, kind: Any, what: str) -> Any:
        """Waits for a long operation.

        Args:
          client: Whose operation it is.
          operation: What the client's method returned.
          kind: Class of the answer.
          what: What is being done, for errors.

        Returns:
          The answer, of `kind`.

        Raises:
          ServiceError: If it ends with an error or takes too long.
        """
        name = operation.operation.name
        begin = time.monotonic()
        while True:
            state = self.call(client.get_operation, {"name": name})
            if state.done:
                break
            if time.monotonic() - begin > LONGEST:
                raise ServiceError(
                    f"{self._where}: {what} has taken more than {LONGEST / 3600:g} hours and is "
                    f"still running as {name}. Run the pipeline again once it has finished: "
                    "completed work is not repeated."
                )
            time.sleep(PAUSE)
        if state.HasField("error"):
            error = exceptions.from_grpc_status(state.error.code, state.error.message)
            raise ServiceError(f"{what} failed. {self._explain(error)}")
        return kind.deserialize(state.response.value)

    def settle(self, client: Any, name: str) -> None:
        """Waits until no operation is in progress for a resource, if the service lists them."""
        begin = time.monotonic()
        while time.monotonic() - begin < LONGEST:
            request = {"name": name, "filter": "done=false"}
            try:
                listed = client.list_operations(request, retry=None, timeout=TIMEOUT)
            except (exceptions.NotFound, exceptions.MethodNotImplemented):
                return
            if all(operation.done for operation in listed.operations):
                return
            time.sleep(PAUSE)

    def _explain(self, error: Exception) -> str:
        return vertex_calls.explain(error, self._where)

    def refuse(self, text: str) -> ServiceError:
        """Returns an error about what was found, to be raised."""
        return ServiceError(f"{self._where}: {text}")
