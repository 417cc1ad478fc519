"""A server of the tiny model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipelines.serving import batching as serve_batching
from pipelines.serving.http import Server
from pipelines.serving.models import Served
from tests.pipelines.serving.asking import LIMITS


@pytest.fixture(autouse=True)
def in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    # The test client asks many things at once from one address, as no connection can.
    monkeypatch.setattr(serve_batching, "QUICK", 0.0)


@pytest.fixture
def served(pushed: Path) -> Served:
    found = Served("tiny", str(pushed))
    assert found.refresh()
    return found


@pytest.fixture
def client(served: Served) -> Iterator[TestClient]:
    server = Server([served], LIMITS)
    with TestClient(server.app(), raise_server_exceptions=False) as found:
        yield found
    server.stop()
