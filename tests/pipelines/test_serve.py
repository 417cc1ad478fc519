import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from pipelines import serve
from tests.pipelines.serving.asking import instances, png
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[2]


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
        body = instances(png(255)) | {"parameters": {"ignored": 1}}
        answer = httpx2.post(base + spec.predict_route, json=body)
        assert [p["label"] for p in answer.json()["predictions"]] == ["light"]
    finally:
        process.terminate()
        process.wait(30)
