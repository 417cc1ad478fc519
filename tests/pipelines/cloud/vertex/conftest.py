"""A local server of Vertex AI's Model Registry and endpoints, for the step in a compiled job."""

from collections.abc import Iterator

import pytest

from tests.components.vertex.serving_service import FakeServing, started


@pytest.fixture
def serving() -> Iterator[FakeServing]:
    with started() as fake:
        yield fake
