"""A local server of Vertex AI's Model Registry and endpoints, and how to deploy there."""

from collections.abc import Iterator

import pytest

from components.vertex.settings import Deployment
from tests.components.vertex.releases import IMAGE
from tests.components.vertex.serving_service import FakeServing, started


@pytest.fixture
def serving() -> Iterator[FakeServing]:
    with started() as fake:
        yield fake


@pytest.fixture
def settings(serving: FakeServing) -> Deployment:
    return Deployment(
        project="p",
        region="r",
        address=serving.server.address,
        task="flowers",
        model="Flowers",
        image=IMAGE,
        endpoint="flowers-live",
    )
