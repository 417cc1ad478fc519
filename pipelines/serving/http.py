"""The TensorFlow Serving REST protocol on Starlette.

| address | answers |
|---|---|
| POST /v1/models/NAME[/versions/N]:predict | predictions |
| GET /v1/models/NAME[/versions/N] | state of the versions |
| GET /v1/models/NAME[/versions/N]/metadata | signatures, and class names |
| GET /v1/models | names of the models |
| GET /healthz, /readyz | whether the process lives; whether every model is loaded |
| GET /metrics, /monitoring/prometheus/metrics | Prometheus metrics |
"""

import asyncio
import logging
import os
import re
import time
from dataclasses import dataclass
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from components.bulk_predict.model import reason
from pipelines.serving import protocol as serve_json
from pipelines.serving.batching import Batcher
from pipelines.serving.models import Served, Version
from pipelines.serving.protocol import RequestError

_log = logging.getLogger("tfx_vision.serve")
_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>\d+))?(?P<rest>/metadata|:\w+)?"
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a server.

    Attributes:
      max_body: Bytes of a request's body.
      max_concurrent: Predictions in progress or waiting; further ones are rejected with status 429.
      max_batch: Instances per call of a model.
      max_pixels: Pixels of one image.
    """

    max_body: int = 32 << 20
    max_concurrent: int = 128
    max_batch: int = 32
    max_pixels: int = 64_000_000


class Metrics:
    """The Prometheus metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_code = ["model", "code"]
        self.requests = Counter(
            "predict_requests", "Predict requests by status", by_code, registry=self.registry
        )
        self.instances = Counter(
            "predict_instances", "Instances predicted", ["model"], registry=self.registry
        )
        self.seconds = Histogram(
            "predict_request_seconds",
            "Time of answered predict requests",
            ["model"],
            registry=self.registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
        )
        self.batch = Histogram(
            "predict_batch_instances",
            "Instances per call of the model",
            ["model"],
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        )
        self.in_flight = Gauge(
            "predict_in_flight", "Predict requests in progress", registry=self.registry
        )
        self.version = Gauge(
            "model_version", "Version that is being served", ["model"], registry=self.registry
        )


class Server:
    """The protocol over a set of models."""

    def __init__(self, served: list[Served], limits: Limits) -> None:
        self._served = {model.name: model for model in served}
        self._limits = limits
        self.metrics = Metrics()
        self._batchers = {
            name: Batcher(limits.max_batch, self.metrics.batch.labels(name).observe)
            for name in self._served
        }
        self._in_flight = 0
        self._converting = asyncio.Semaphore(os.cpu_count() or 1)
        self._last_client: Any = None

    def app(self) -> Starlette:
        """Returns the ASGI application."""
        get = ["GET"]
        routes = [
            Route("/healthz", self._live, methods=get),
            Route("/readyz", self._ready, methods=get),
            Route("/metrics", self._metrics, methods=get),
            Route("/monitoring/prometheus/metrics", self._metrics, methods=get),
            Route("/v1/models", self._models, methods=get),
            Route("/v1/models/{rest:path}", self._model, methods=["GET", "POST"]),
        ]
        handlers: Any = {RequestError: _refuse, HTTPException: _no_such, Exception: _failed}
        return Starlette(routes=routes, exception_handlers=handlers)

    def stop(self) -> None:
        """Ends the models' threads once all requests in progress are answered."""
        for batcher in self._batchers.values():
            batcher.stop()

    async def _live(self, _: Request) -> Response:
        return _json({"status": "alive"})

    async def _ready(self, _: Request) -> Response:
        missing = [name for name, model in self._served.items() if model.current is None]
        return _json({"ready": not missing, "not_loaded": missing}, 503 if missing else 200)

    async def _models(self, _: Request) -> Response:
        return _json({"models": sorted(self._served)})

    async def _metrics(self, _: Request) -> Response:
        for name, model in self._served.items():
            self.metrics.version.labels(name).set(model.current.number if model.current else 0)
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def _model(self, request: Request) -> Response:
        match = _PATH.fullmatch(request.url.path)
        if not match:
            raise RequestError(f"there is nothing at {request.url.path}", 404)
        model = self._served.get(match["name"])
        if model is None:
            names = ", ".join(sorted(self._served))
            raise RequestError(f"no model '{match['name']}'; there are: {names}", 404)
        rest, number = match["rest"] or "", match["version"]
        if request.method == "POST":
            if rest != ":predict":
                raise RequestError(f"the method must be :predict. Received: '{rest}'", 404)
            return await self._counted(request, model, number)
        if rest == ":predict":
            raise RequestError(":predict requires POST", 405)
        if rest == "/metadata":
            return _metadata(_version(model, number))
        if rest:
            raise RequestError(f"there is nothing at {request.url.path}", 404)
        return _status(model, number)

    async def _counted(self, request: Request, model: Served, number: str | None) -> Response:
        begin, code = time.perf_counter(), 500
        self._in_flight += 1
        self.metrics.in_flight.set(self._in_flight)
        try:
            if self._in_flight > self._limits.max_concurrent:
                raise RequestError(
                    f"{self._limits.max_concurrent} predictions are in progress; try again", 429
                )
            response = await self._predict(request, model, number)
            code = response.status_code
            self.metrics.seconds.labels(model.name).observe(time.perf_counter() - begin)
            return response
        except RequestError as e:
            code = e.status
            raise
        finally:
            self._in_flight -= 1
            self.metrics.in_flight.set(self._in_flight)
            self.metrics.requests.labels(model.name, str(code)).inc()

    async def _predict(self, request: Request, model: Served, number: str | None) -> Response:
        import tensorflow as tf

        asked = serve_json.parse(await self._body(request))
        version = _version(model, number)
        signature = asked.get("signature_name") or "serving_default"
        if signature not in version.signatures:
            names = ", ".join(sorted(version.signatures))
            raise RequestError(f"signature_name must be one of {names}. Received: {signature!r}")
        given = serve_json.inputs(asked, version.inputs(signature), self._limits.max_pixels)
        if serve_json.needs_conversion(given):
            # In a thread, since a phone's photograph takes about a second; only few at once, since
            # each needs memory for its pixels.
            async with self._converting:
                convert = serve_json.converted
                given = await run_in_threadpool(convert, given, self._limits.max_pixels)
        # A single client sends consecutive requests on one connection; one of many rarely does.
        lone = request.client is not None and request.client == self._last_client
        self._last_client = request.client
        try:
            outputs = await self._batchers[model.name].submit(version, signature, given, lone=lone)
        except tf.errors.InvalidArgumentError as e:
            raise RequestError(f"the model rejects the input: {reason(e)}") from e
        self.metrics.instances.labels(model.name).inc(len(next(iter(given.values()))))
        body = serve_json.answer(outputs, by_row="instances" in asked)
        return Response(body, media_type="application/json")

    async def _body(self, request: Request) -> bytes:
        """Reads the body; stops if it becomes too long."""
        most = self._limits.max_body
        refusal = RequestError(f"the body must be at most {most:,} bytes", 413)
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise refusal
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise refusal
            parts.append(part)
        return b"".join(parts)


def _version(model: Served, number: str | None) -> Version:
    current = model.current
    if current is None:
        raise RequestError(f"no version of '{model.name}' is loaded yet", 503)
    if number is not None and int(number) != current.number:
        raise RequestError(
            f"version {number} of '{model.name}' is not loaded, but version {current.number} is",
            404,
        )
    return current


def _status(model: Served, number: str | None) -> Response:
    states: list[dict[str, Any]] = [
        {
            "version": str(failed),
            "state": "START" if model.current and failed > model.current.number else "END",
            "status": {"error_code": "UNKNOWN", "error_message": message},
        }
        for failed, message in sorted(model.failures.items(), reverse=True)
    ]
    if model.current:
        fine = {"error_code": "OK", "error_message": ""}
        current = {"version": str(model.current.number), "state": "AVAILABLE", "status": fine}
        states.insert(0, current)
    if number is not None:
        states = [state for state in states if state["version"] == str(int(number))]
        if not states:
            raise RequestError(f"version {number} of '{model.name}' is not loaded", 404)
    return _json({"model_version_status": states})


def _metadata(version: Version) -> Response:
    signatures = {"signature_def": version.definitions}
    return _json(
        {
            "model_spec": {
                "name": version.name,
                "signature_name": "",
                "version": str(version.number),
            },
            "metadata": {"signature_def": signatures, "classes": list(version.classes)},
        }
    )


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    response = _json({"error": str(error)}, error.status)
    if error.status == 429:
        response.headers["Retry-After"] = "1"
    return response


async def _no_such(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json(
        {"error": f"{request.method} {request.url.path}: {error.detail}"}, error.status_code
    )


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _json({"error": "internal server error; see the server's log"}, 500)
