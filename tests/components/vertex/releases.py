"""Releases of a model to the local server, and what is there after them."""

import dataclasses
from typing import Any

from components.vertex.settings import Deployment
from tests.components.vertex.serving_service import FakeServing

IMAGE = "europe-docker.pkg.dev/p/r/tfx-vision@sha256:0123"
PREBUILT = "europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
FOLDER = "gs://b/serving/flowers"


def release(settings: Deployment, version: int, **changes: Any) -> dict[str, str]:
    from components.vertex.deploy import released

    changed = dataclasses.replace(settings, **changes)
    return released(changed, f"{FOLDER}/{version}/", "flowers-20260101-abc")


def status(name: str) -> Any:
    import grpc

    return grpc.StatusCode[name]


def versions(serving: FakeServing) -> list[Any]:
    (kept,) = serving.versions.values()
    return kept


def traffic(serving: FakeServing) -> dict[str, int]:
    """Registry version → share, of what is deployed."""
    (endpoint,) = serving.endpoints.values()
    return {
        d.model_version_id: endpoint.traffic_split.get(d.id, 0) for d in endpoint.deployed_models
    }
