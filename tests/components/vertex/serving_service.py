"""A local server of Vertex AI's Model Registry and endpoints, as strict as the documentation."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.components.vertex.grpc_server import GrpcServer

PLACE = "projects/p/locations/r"
# The service answers with the project's number where it was asked with its id.
ANSWERED = "projects/123/locations/r"
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")


class FakeServing:
    """ModelService, EndpointService and Operations over gRPC, by the library's own messages.

    What an operation makes is there when it is over, and that is `polls` looks after its start;
    `endings` maps a method to the `(grpc.StatusCode, message)` that its next operations end with.
    """

    def __init__(self) -> None:
        import grpc
        from google.cloud import aiplatform_v1 as api
        from google.longrunning import operations_pb2

        self.versions: dict[str, list[Any]] = {}
        self.endpoints: dict[str, Any] = {}
        self.endings: dict[str, list[Any]] = {}
        self.uploads: list[Any] = []
        self.deploys: list[Any] = []
        self.polls = 1
        self._under_way: dict[str, Any] = {}
        self._api, self._grpc, self._operations = api, grpc, operations_pb2
        operation = operations_pb2.Operation
        v1 = "google.cloud.aiplatform.v1"
        self.server = GrpcServer(
            self,
            {
                f"{v1}.ModelService": {
                    "UploadModel": (api.UploadModelRequest, operation),
                    "MergeVersionAliases": (api.MergeVersionAliasesRequest, api.Model),
                    "ListModels": (api.ListModelsRequest, api.ListModelsResponse),
                    "ListModelVersions": (
                        api.ListModelVersionsRequest,
                        api.ListModelVersionsResponse,
                    ),
                },
                f"{v1}.EndpointService": {
                    "CreateEndpoint": (api.CreateEndpointRequest, operation),
                    "ListEndpoints": (api.ListEndpointsRequest, api.ListEndpointsResponse),
                    "GetEndpoint": (api.GetEndpointRequest, api.Endpoint),
                    "UpdateEndpoint": (api.UpdateEndpointRequest, api.Endpoint),
                    "DeployModel": (api.DeployModelRequest, operation),
                    "UndeployModel": (api.UndeployModelRequest, operation),
                },
                "google.longrunning.Operations": {
                    "GetOperation": (operations_pb2.GetOperationRequest, operation),
                    "ListOperations": (
                        operations_pb2.ListOperationsRequest,
                        operations_pb2.ListOperationsResponse,
                    ),
                },
            },
        )
        self.calls, self.failures = self.server.calls, self.server.failures

    def _start(self, method: str, of: str, finish: Callable[[], Any]) -> Any:
        operation = self._operations.Operation(name=f"{of}/operations/{len(self._under_way)}")
        ending = (self.endings.get(method) or [None]).pop(0)
        self._under_way[operation.name] = [operation, self.polls, finish, ending]
        return operation

    def _look(self, name: str) -> Any:
        operation, polls, finish, ending = self._under_way[name]
        if not operation.done and polls <= 0:
            operation.done = True
            if ending:
                operation.error.code, operation.error.message = ending[0].value[0], ending[1]
            else:
                operation.response.Pack(type(answer := finish()).pb(answer))
        self._under_way[name][1] -= 1
        return operation

    def _GetOperation(self, request: Any, context: Any) -> Any:
        del context
        return self._look(request.name)

    def _ListOperations(self, request: Any, context: Any) -> Any:
        del context
        assert request.filter == "done=false"
        tail = request.name.split("/")[-2:]
        found = [self._look(n) for n in self._under_way if n.split("/")[-4:-2] == tail]
        return self._operations.ListOperationsResponse(operations=[o for o in found if not o.done])

    def _names(self) -> set[str]:
        """Returns the names that are taken, of what is still being made too."""
        return {name.partition("/operations/")[0] for name in self._under_way}

    def _refuse(self, context: Any, code: str, text: str) -> None:
        context.abort(self._grpc.StatusCode[code], text)

    def _UploadModel(self, request: Any, context: Any) -> Any:
        model = request.model
        assert request.parent == PLACE and model.container_spec.image_uri
        assert model.artifact_uri.startswith("gs://") and not model.artifact_uri.endswith("/")
        assert all(_ALIAS.fullmatch(alias) for alias in model.version_aliases)
        assert all(_LABEL.fullmatch(v) for pair in model.labels.items() for v in pair)
        name = request.parent_model or f"{PLACE}/models/{request.model_id}"
        if request.parent_model and name not in self.versions:
            self._refuse(context, "NOT_FOUND", name)
        if not request.parent_model and name in self._names():
            self._refuse(context, "ALREADY_EXISTS", name)
        self.uploads.append(request)

        def finish() -> Any:
            kept = self.versions.setdefault(name, [])
            aliases = set(model.version_aliases) | (set() if kept else {"default"})
            for other in kept:
                other.version_aliases = [a for a in other.version_aliases if a not in aliases]
            model.name, model.version_id = name, str(len(kept) + 1)
            model.version_aliases = sorted(aliases)
            kept.append(model)
            return self._api.UploadModelResponse(model=name, model_version_id=model.version_id)

        return self._start("UploadModel", name, finish)

    def _MergeVersionAliases(self, request: Any, context: Any) -> Any:
        name, _, number = request.name.partition("@")
        assert all(_ALIAS.fullmatch(alias) for alias in request.version_aliases)
        numbers = [model.version_id for model in self.versions.get(name, [])]
        if number not in numbers:
            self._refuse(context, "NOT_FOUND", request.name)
        # An alias belongs to one version: given to another, it leaves the first.
        wanted = set(request.version_aliases)
        for model in self.versions[name]:
            kept = set(model.version_aliases)
            model.version_aliases = sorted(
                kept | wanted if model.version_id == number else kept - wanted
            )
        return self.versions[name][numbers.index(number)]

    def _ListModels(self, request: Any, context: Any) -> Any:
        del context
        assert request.parent == PLACE and request.filter.startswith('display_name="')
        default = [
            next(m for m in kept if "default" in m.version_aliases)
            for kept in self.versions.values()
        ]
        return self._api.ListModelsResponse(models=default)

    def _ListModelVersions(self, request: Any, context: Any) -> Any:
        del context
        return self._api.ListModelVersionsResponse(models=self.versions[request.name])

    def _CreateEndpoint(self, request: Any, context: Any) -> Any:
        endpoint = request.endpoint
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", request.endpoint_id)
        endpoint.name = f"{ANSWERED}/endpoints/{request.endpoint_id}"
        if endpoint.name in self._names():
            self._refuse(context, "ALREADY_EXISTS", endpoint.name)

        def finish() -> Any:
            self.endpoints[endpoint.name] = endpoint
            return self._api.Endpoint(name=endpoint.name)

        return self._start("CreateEndpoint", endpoint.name, finish)

    def _ListEndpoints(self, request: Any, context: Any) -> Any:
        del context
        assert request.parent == PLACE
        return self._api.ListEndpointsResponse(endpoints=list(self.endpoints.values()))

    def _GetEndpoint(self, request: Any, context: Any) -> Any:
        del context
        return self.endpoints[request.name]

    def _split(self, endpoint: Any, split: dict[str, int]) -> None:
        assert sum(split.values()) == 100, split
        assert set(split) <= {one.id for one in endpoint.deployed_models}, split
        endpoint.traffic_split = split

    def _UpdateEndpoint(self, request: Any, context: Any) -> Any:
        del context
        assert list(request.update_mask.paths) == ["traffic_split"]
        endpoint = self.endpoints[request.endpoint.name]
        self._split(endpoint, dict(request.endpoint.traffic_split))
        return endpoint

    def _DeployModel(self, request: Any, context: Any) -> Any:
        endpoint, deployed = self.endpoints[request.endpoint], request.deployed_model
        assert re.fullmatch(r"\d{1,10}", deployed.id)
        if deployed.id in [d.id for d in (r.deployed_model for r in self.deploys)]:
            self._refuse(context, "ALREADY_EXISTS", deployed.id)
        name, _, number = deployed.model.partition("@")
        assert number in [m.version_id for m in self.versions[name]]
        self.deploys.append(request)
        kept = self._api.DeployedModel(deployed)

        def finish() -> Any:
            kept.model = name.replace(PLACE, ANSWERED)
            kept.model_version_id = number
            kept.create_time = {"seconds": len(self.deploys)}
            endpoint.deployed_models = [*endpoint.deployed_models, kept]
            split = {k if k != "0" else kept.id: v for k, v in request.traffic_split.items()}
            self._split(endpoint, split)
            return self._api.DeployModelResponse(deployed_model=kept)

        return self._start("DeployModel", endpoint.name, finish)

    def _UndeployModel(self, request: Any, context: Any) -> Any:
        endpoint = self.endpoints[request.endpoint]
        if endpoint.traffic_split.get(request.deployed_model_id):
            self._refuse(context, "FAILED_PRECONDITION", "it has traffic")

        def finish() -> Any:
            kept = [d for d in endpoint.deployed_models if d.id != request.deployed_model_id]
            endpoint.deployed_models = kept
            return self._api.UndeployModelResponse()

        return self._start("UndeployModel", endpoint.name, finish)


@contextlib.contextmanager
def started() -> Iterator[FakeServing]:
    """Runs the server; nobody pauses between two looks or attempts."""
    from components import service_calls
    from components.vertex import service

    fake = FakeServing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_calls, "PAUSE", 0.01)
        patch.setattr(service, "PAUSE", 0.01)
        yield fake
    fake.server.stop()
