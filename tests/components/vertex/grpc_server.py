"""A local gRPC server that speaks a service's real protocol, and fails as told."""

from collections.abc import Callable
from concurrent import futures
from typing import Any

LOST = "lost"


class GrpcServer:
    """A local server whose methods are those of `work`, `_<Method>(request, context)`.

    `services` maps a service to its methods, each with the messages it takes and gives (None:
    nothing). `failures` maps a method to what happens to its next calls: a `grpc.StatusCode`, or
    `LOST`, which does the work and then breaks off.
    """

    def __init__(self, work: Any, services: dict[str, dict[str, tuple[Any, Any]]]) -> None:
        import grpc

        self.calls: list[str] = []
        self.failures: dict[str, list[Any]] = {}
        self._grpc = grpc
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        for service, methods in services.items():
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(
                    self._method(name, getattr(work, f"_{name}")),
                    getattr(request, "deserialize", None) or request.FromString,
                    _serializer(response),
                )
                for name, (request, response) in methods.items()
            }
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, handlers),)
            )
        self.address = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None)

    def _method(self, name: str, work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def handle(request: Any, context: Any) -> Any:
            self.calls.append(name)
            failure = (self.failures.get(name) or [None]).pop(0)
            if failure not in (None, LOST):
                context.abort(failure, f"{failure.name} says the server.")
            answer = work(request, context)
            if failure == LOST:
                context.abort(self._grpc.StatusCode.UNAVAILABLE, "Socket closed")
            return answer

        return handle


def _serializer(kind: Any) -> Callable[[Any], bytes]:
    if kind is None:
        return lambda answer: b""  # google.protobuf.Empty
    return getattr(kind, "serialize", None) or kind.SerializeToString
