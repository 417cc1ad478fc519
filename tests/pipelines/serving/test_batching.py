import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.serving import batching as serve_batching
from pipelines.serving.models import Served
from tests.pipelines.serving.asking import PREDICT, at_once, instances, png


def test_a_lone_client_of_a_quick_model_is_answered_where_it_asks(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = served.current
    assert version is not None
    threads, call = [], version.call

    def noted(signature: str, inputs: dict[str, Any]) -> Any:
        threads.append(threading.current_thread().name)
        return call(signature, inputs)

    def ask(*images: bytes) -> str:
        assert client.post(PREDICT, json=instances(*images)).status_code == 200
        return threads[-1]

    monkeypatch.setattr(version, "call", noted)
    ask(png(1))
    assert ask(png(2)) == "model"
    monkeypatch.setattr(serve_batching, "QUICK", 60.0)
    assert ask(png(3)) != "model"
    assert ask(png(4), png(5)) == "model"
    refused = client.post(PREDICT, json=instances(b"junk"))
    assert (refused.status_code, threads[-1] != "model") == (400, True)
    # Somebody else's first request may be one of many.
    with TestClient(client.app, client=("other", 1)) as other:
        assert other.post(PREDICT, json=instances(png(6))).status_code == 200
    assert threads[-1] == "model"


def test_requests_that_wait_share_a_batch_and_bad_ones_fail_alone(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = served.current
    assert version is not None
    sizes, free, call = [], threading.Event(), version.call

    def slow(signature: str, inputs: dict[str, Any]) -> Any:
        sizes.append(len(inputs["image_bytes"]))
        free.wait(10)
        return call(signature, inputs)

    monkeypatch.setattr(version, "call", slow)
    bodies = [instances(png(i * 20)) for i in range(7)]
    bodies[3] = instances(b"junk")
    threading.Timer(1.0, free.set).start()
    answers = at_once([lambda b=b: client.post(PREDICT, json=b) for b in bodies])
    assert [a.status_code for a in answers] == [200, 200, 200, 400, 200, 200, 200]
    for i in (0, 1, 2, 4, 5, 6):
        probabilities = answers[i].json()["predictions"][0]["probabilities"]
        assert probabilities[1] == pytest.approx(i * 20 / 255)
    assert max(sizes) > 1
