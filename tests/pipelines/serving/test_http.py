import base64
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from pipelines.serving.http import Limits, Server
from pipelines.serving.models import Served
from tests.pipelines.serving.asking import LIMITS, PREDICT, at_once, instances, png

pillow_heif.register_heif_opener()  # for what the tests write
ROOT = Path(__file__).parents[3]


def test_rows_in_rows_out(client: TestClient) -> None:
    answer = client.post(PREDICT, json=instances(png(255), png(51)))
    assert answer.status_code == 200
    first, second = answer.json()["predictions"]
    assert first == {"label": "light", "score": 1.0, "probabilities": [0.0, 1.0]}
    assert second["label"] == "dark"
    assert second["probabilities"] == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize("form", ["HEIF", "TIFF", "PPM", "AVIF", "JPEG2000"])
def test_formats_that_the_model_cannot_decode_are_converted(client: TestClient, form: str) -> None:
    file = io.BytesIO()
    Pillow.new("RGB", (16, 12), (255, 255, 255)).save(file, form)
    whole = file.getvalue()
    answer = client.post(PREDICT, json=instances(whole, png(51)))
    assert answer.status_code == 200, answer.json()
    first, second = answer.json()["predictions"]
    assert first["label"] == "light" and first["score"] == pytest.approx(1, abs=0.02)
    assert second["label"] == "dark"
    answer = client.post(PREDICT, json=instances(png(51), whole[: len(whole) // 2]))
    assert answer.status_code == 400
    assert "'image_bytes' of instance 1 is a damaged or truncated" in answer.json()["error"]
    large = io.BytesIO()
    Pillow.new("L", (101, 100)).save(large, form)
    assert len(large.getvalue()) < LIMITS.max_body
    assert client.post(PREDICT, json=instances(large.getvalue())).status_code == 413


def test_columns_in_columns_out_and_the_short_forms(client: TestClient) -> None:
    encoded = {"b64": base64.b64encode(png(255)).decode()}
    answer = client.post(PREDICT, json={"inputs": {"image_bytes": [encoded]}})
    assert answer.json()["outputs"]["label"] == ["light"]
    assert client.post(PREDICT, json={"inputs": [encoded]}).json() == answer.json()
    short = client.post(PREDICT, json={"instances": [encoded]})
    assert short.json()["predictions"][0]["label"] == "light"
    many = client.post(PREDICT, json=instances(*[png(i) for i in range(0, 250, 10)]))
    scores = [p["probabilities"][1] for p in many.json()["predictions"]]
    assert scores == pytest.approx([i / 255 for i in range(0, 250, 10)])


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "must be JSON"),
        (b"[]", 400, 'either "instances" or "inputs"'),
        (b'{"instances": []}', 400, "at least one instance"),
        (b'{"instances": [{"image": 1}]}', 400, "must have exactly ['image_bytes']"),
        (b'{"instances": [{"b64": "?"}]}', 400, "is not base64"),
        (b'{"instances": [{"b64": "anVuaw=="}]}', 400, "Unknown image file format"),
        (b'{"instances": [{"image_bytes": 7}]}', 400, "or a string"),
        (b'{"instances": [1], "signature_name": "x"}', 400, "must be one of examples"),
        (b'{"inputs": {"image_bytes": "x"}}', 400, "must be a list"),
        (b" " * 200_001, 413, "at most 200,000 bytes"),
    ],
)
def test_bad_input_is_told_what_is_wrong(
    client: TestClient, body: bytes, status: int, message: str
) -> None:
    answer = client.post(PREDICT, content=body)
    assert answer.status_code == status
    assert message in answer.json()["error"]


def test_a_body_without_a_length_is_bounded_too(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * 50_000

    assert client.post(PREDICT, content=endless()).status_code == 413


def test_an_image_that_would_fill_memory_is_not_decoded(client: TestClient) -> None:
    answer = client.post(PREDICT, json=instances(png(0, (200, 100))))
    assert answer.status_code == 413
    assert "200 × 100 pixels; at most 10,000" in answer.json()["error"]


def test_addresses(client: TestClient) -> None:
    state = client.get("/v1/models/tiny").json()["model_version_status"]
    fine = {"error_code": "OK", "error_message": ""}
    assert state == [{"version": "1", "state": "AVAILABLE", "status": fine}]
    assert client.get("/v1/models/tiny/versions/1").json()["model_version_status"] == state
    metadata = client.get("/v1/models/tiny/versions/1/metadata").json()
    assert metadata["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["image_bytes"]["dtype"] == "DT_STRING"
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert metadata["metadata"]["classes"] == ["dark", "light"]
    assert client.get("/v1/models").json() == {"models": ["tiny"]}
    assert client.get("/readyz").status_code == client.get("/healthz").status_code == 200
    assert client.post("/v1/models/tiny/versions/1:predict", json=instances(png(9))).is_success
    for wrong in ("/v1/models/tin", "/v1/models/tiny/versions/2", "/v1/models/tiny/x", "/x"):
        answer = client.get(wrong)
        assert answer.status_code == 404 and answer.json()["error"]
    assert client.get(PREDICT).status_code == 405


def test_metrics_count_what_happened(client: TestClient) -> None:
    client.post(PREDICT, json=instances(png(1), png(2)))
    client.post(PREDICT, content=b"{")
    text = client.get("/metrics").text
    assert 'predict_requests_total{code="200",model="tiny"} 1.0' in text
    assert 'predict_requests_total{code="400",model="tiny"} 1.0' in text
    assert 'predict_instances_total{model="tiny"} 2.0' in text
    assert 'model_version{model="tiny"} 1.0' in text


def test_too_many_at_once_are_told_to_come_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server([served], Limits(max_concurrent=2))
    free, version = threading.Event(), served.current
    assert version is not None
    call = version.call
    monkeypatch.setattr(version, "call", lambda *a: (free.wait(10), call(*a))[1])
    threading.Timer(1.5, free.set).start()
    with TestClient(server.app()) as client:
        post = lambda: client.post(PREDICT, json=instances(png(9)))  # noqa: E731
        answers = at_once([post] * 5)
    server.stop()
    codes = sorted(a.status_code for a in answers)
    assert codes == [200, 200, 429, 429, 429]
    refused = next(a for a in answers if a.status_code == 429)
    assert refused.headers["retry-after"] == "1"
