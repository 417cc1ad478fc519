import base64
import concurrent.futures
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pillow_heif
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from pipelines import serve
from pipelines.serving import batching as serve_batching
from pipelines.serving.http import Limits, Server
from pipelines.serving.models import Served, Watch
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Task

pillow_heif.register_heif_opener()  # for what the tests write
ROOT = Path(__file__).parents[3]
LIMITS = Limits(max_body=200_000, max_concurrent=64, max_batch=8, max_pixels=10_000)
PREDICT = "/v1/models/tiny:predict"


def _png(value: int, size: tuple[int, int] = (4, 5)) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", size, (value, value, value)).save(file, "PNG")
    return file.getvalue()


def _instances(*images: bytes) -> dict[str, Any]:
    return {"instances": [{"image_bytes": {"b64": base64.b64encode(i).decode()}} for i in images]}


@pytest.fixture(autouse=True)
def in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    # The test client asks many things at once from one address, as no connection can.
    monkeypatch.setattr(serve_batching, "QUICK", 0.0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`p(light)` is the brightness in 0..1."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    inputs = layers.Input((2, 2, 3), dtype="uint8")
    brightness = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))[:, :1]
    model = tf_keras.Model(inputs, tf.concat([1 - brightness, brightness], axis=1))
    task = Task(
        name="tiny",
        source=ImageFolders(),
        problem=Classification(classes=("dark", "light")),
        input=Images(height=2, width=2),
        model=Network(),
        phases=(Phase(epochs=1),),
    )
    folder = tmp_path_factory.mktemp("saved") / "model"
    serving.save(model, task, str(folder))
    return folder


@pytest.fixture
def pushed(saved: Path, tmp_path: Path) -> Path:
    shutil.copytree(saved, tmp_path / "serving" / "tiny" / "1")
    return tmp_path / "serving" / "tiny"


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


def test_rows_in_rows_out(client: TestClient) -> None:
    answer = client.post(PREDICT, json=_instances(_png(255), _png(51)))
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
    answer = client.post(PREDICT, json=_instances(whole, _png(51)))
    assert answer.status_code == 200, answer.json()
    first, second = answer.json()["predictions"]
    assert first["label"] == "light" and first["score"] == pytest.approx(1, abs=0.02)
    assert second["label"] == "dark"
    answer = client.post(PREDICT, json=_instances(_png(51), whole[: len(whole) // 2]))
    assert answer.status_code == 400
    assert "'image_bytes' of instance 1 is a damaged or truncated" in answer.json()["error"]
    large = io.BytesIO()
    Pillow.new("L", (101, 100)).save(large, form)
    assert len(large.getvalue()) < LIMITS.max_body
    assert client.post(PREDICT, json=_instances(large.getvalue())).status_code == 413


def test_columns_in_columns_out_and_the_short_forms(client: TestClient) -> None:
    encoded = {"b64": base64.b64encode(_png(255)).decode()}
    answer = client.post(PREDICT, json={"inputs": {"image_bytes": [encoded]}})
    assert answer.json()["outputs"]["label"] == ["light"]
    assert client.post(PREDICT, json={"inputs": [encoded]}).json() == answer.json()
    short = client.post(PREDICT, json={"instances": [encoded]})
    assert short.json()["predictions"][0]["label"] == "light"
    many = client.post(PREDICT, json=_instances(*[_png(i) for i in range(0, 250, 10)]))
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
    answer = client.post(PREDICT, json=_instances(_png(0, (200, 100))))
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
    assert client.post("/v1/models/tiny/versions/1:predict", json=_instances(_png(9))).is_success
    for wrong in ("/v1/models/tin", "/v1/models/tiny/versions/2", "/v1/models/tiny/x", "/x"):
        answer = client.get(wrong)
        assert answer.status_code == 404 and answer.json()["error"]
    assert client.get(PREDICT).status_code == 405


def test_metrics_count_what_happened(client: TestClient) -> None:
    client.post(PREDICT, json=_instances(_png(1), _png(2)))
    client.post(PREDICT, content=b"{")
    text = client.get("/metrics").text
    assert 'predict_requests_total{code="200",model="tiny"} 1.0' in text
    assert 'predict_requests_total{code="400",model="tiny"} 1.0' in text
    assert 'predict_instances_total{model="tiny"} 2.0' in text
    assert 'model_version{model="tiny"} 1.0' in text


def _at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(call) for call in calls]]


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
        assert client.post(PREDICT, json=_instances(*images)).status_code == 200
        return threads[-1]

    monkeypatch.setattr(version, "call", noted)
    ask(_png(1))
    assert ask(_png(2)) == "model"
    monkeypatch.setattr(serve_batching, "QUICK", 60.0)
    assert ask(_png(3)) != "model"
    assert ask(_png(4), _png(5)) == "model"
    refused = client.post(PREDICT, json=_instances(b"junk"))
    assert (refused.status_code, threads[-1] != "model") == (400, True)
    # Somebody else's first request may be one of many.
    with TestClient(client.app, client=("other", 1)) as other:
        assert other.post(PREDICT, json=_instances(_png(6))).status_code == 200
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
    bodies = [_instances(_png(i * 20)) for i in range(7)]
    bodies[3] = _instances(b"junk")
    threading.Timer(1.0, free.set).start()
    answers = _at_once([lambda b=b: client.post(PREDICT, json=b) for b in bodies])
    assert [a.status_code for a in answers] == [200, 200, 200, 400, 200, 200, 200]
    for i in (0, 1, 2, 4, 5, 6):
        probabilities = answers[i].json()["predictions"][0]["probabilities"]
        assert probabilities[1] == pytest.approx(i * 20 / 255)
    assert max(sizes) > 1


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
        post = lambda: client.post(PREDICT, json=_instances(_png(9)))  # noqa: E731
        answers = _at_once([post] * 5)
    server.stop()
    codes = sorted(a.status_code for a in answers)
    assert codes == [200, 200, 429, 429, 429]
    refused = next(a for a in answers if a.status_code == 429)
    assert refused.headers["retry-after"] == "1"


def test_a_new_version_takes_over_while_requests_go_on(
    client: TestClient, served: Served, pushed: Path
) -> None:
    watch = Watch([served], 0.05)
    watch.start()
    codes: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            codes.append(client.post(PREDICT, json=_instances(_png(7))).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    # As Pusher leaves it while it copies: the graph is there before the variables.
    (pushed / "2").mkdir()
    shutil.copy(pushed / "1" / "saved_model.pb", pushed / "2")
    end = time.monotonic() + 30
    while 2 not in served.failures and time.monotonic() < end:
        time.sleep(0.02)
    states = client.get("/v1/models/tiny").json()["model_version_status"]
    assert [(s["version"], s["state"]) for s in states] == [("1", "AVAILABLE"), ("2", "START")]
    shutil.copytree(pushed / "1", pushed / "2", dirs_exist_ok=True)
    while served.current.number != 2 and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.02)
    stop.set()
    asking.join()
    watch.stop()
    assert served.current is not None and served.current.number == 2 and not served.failures
    assert set(codes) == {200}


def test_the_newest_version_that_loads_is_served(pushed: Path) -> None:
    shutil.copytree(pushed / "1", pushed / "10")
    shutil.copytree(pushed / "1", pushed / "9")
    (pushed / "11").mkdir()
    found = Served("tiny", str(pushed))
    assert found.refresh() and found.current is not None
    assert found.current.number == 10
    assert list(found.failures) == [11]
    assert not found.refresh()


def test_the_command_line_says_when_there_is_nothing(tmp_path: Path, pushed: Path) -> None:
    assert [one.name for one in serve.find(str(tmp_path), [])] == ["tiny"]
    with pytest.raises(BadInputError, match="did you mean 'tiny'"):
        serve.find(str(tmp_path), ["tyni"])
    with pytest.raises(BadInputError, match="Nothing has been pushed"):
        serve.find(str(tmp_path / "other"), [])
    assert serve.parser().parse_args([]).host == "127.0.0.1"


def test_one_version_is_served_where_it_lies(saved: Path, pushed: Path) -> None:
    """Vertex AI hands over the version's content, without the folder that is its number."""
    with pytest.raises(BadInputError, match="with exactly one --task. Received: none"):
        serve.find("nowhere", [], str(saved))
    (alone,) = serve.find("nowhere", ["tiny"], f"{saved}/")
    assert alone.refresh() and alone.current is not None and alone.current.number == 1
    assert not alone.refresh()
    (pushed / "1").rename(pushed / "7")
    for place in (pushed / "7", pushed):
        (found,) = serve.find("nowhere", ["tiny"], str(place))
        assert found.refresh() and found.current is not None and found.current.number == 7


def test_as_vertex_ai_starts_it(saved: Path) -> None:
    """The container's command of `vertex_deploy.registry`, in Vertex AI's environment."""
    from components.vertex import registry
    from components.vertex.settings import Deployment

    spec = registry.container(
        Deployment(project="p", region="r", task="tiny", model="Tiny", image="image")
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *spec.command[1:], *spec.args],
        cwd=ROOT,
        env=os.environ | {"AIP_STORAGE_URI": str(saved), "AIP_HTTP_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 120
        while True:
            try:
                assert httpx2.get(base + spec.health_route).status_code == 200
                break
            except httpx2.TransportError:
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.2)
        body = _instances(_png(255)) | {"parameters": {"ignored": 1}}
        answer = httpx2.post(base + spec.predict_route, json=body)
        assert [p["label"] for p in answer.json()["predictions"]] == ["light"]
    finally:
        process.terminate()
        process.wait(30)


def test_numbers_are_written_with_the_digits_of_their_type() -> None:
    from pipelines.serving import protocol as serve_json

    outputs = {"value": np.array([0.1, 2.5], np.float32)}
    assert serve_json.answer(outputs, by_row=True) == b'{"predictions":[0.1,2.5]}'
    masks = {"mask_png": np.array([b"\x89P"], object)}
    assert serve_json.answer(masks, by_row=False) == b'{"outputs":[{"b64":"iVA="}]}'
