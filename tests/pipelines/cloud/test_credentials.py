"""Inside every container entry, Google's metadata server is asked for the credentials.

On Vertex AI, GKE and Dataflow there are no others. A local server stands for it.
"""

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE = 120


class MetadataServer:
    """Answers as Google's metadata server does; `asked` is set when a token is wanted."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path.endswith("/token"):
                    kept.asked.set()
                answers = {
                    "project-id": "p",
                    "default": json.dumps({"email": "steps@p.iam", "scopes": ["all"]}),
                    "token": json.dumps(
                        {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
                    ),
                }
                body = answers.get(path.rstrip("/").rpartition("/")[2], "{}").encode()
                self.send_response(200)
                self.send_header("Metadata-Flavor", "Google")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def metadata_server() -> Iterator[MetadataServer]:
    server = MetadataServer()
    yield server
    server.stop()


def _asks(server: MetadataServer, tmp_path: Path, *argv: str) -> bool:
    """Says whether a Python process asks for a token; it is ended as soon as it has."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "TF_USE_LEGACY_KERAS": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "GCE_METADATA_HOST": server.host,
        "GCE_METADATA_IP": server.host,
        # Nothing of this reaches Google.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *argv],
            env=environment,
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(PATIENCE * 5):
            if server.asked.wait(0.2) or process.poll() is not None:
                break
    finally:
        process.kill()
        process.wait()
    if not server.asked.is_set():
        print(log.read_text()[-3000:])
    return server.asked.is_set()


def _executor_input(tmp_path: Path, parameters: dict, inputs: dict, outputs: dict) -> str:
    def given(found: dict) -> dict:
        return {
            key: {"artifacts": [{"uri": f"gs://bucket/{key}", "type": {"schemaTitle": title}}]}
            for key, title in found.items()
        }

    return json.dumps(
        {
            "inputs": {"parameterValues": parameters, "artifacts": given(inputs)},
            "outputs": {
                "artifacts": given(outputs),
                "parameters": {"version": {"outputFile": "/tmp/version"}},
                "outputFile": str(tmp_path / "output.json"),
            },
        }
    )


def _reader() -> dict:
    from components.example_gen.component import ImageExampleGen
    from trainer_modules import digits
    from trainer_modules.engine.task import overrides

    source = digits.TASK.alternatives[0] if digits.TASK.alternatives else digits.TASK.source
    made = ImageExampleGen(
        input_base="gs://bucket/data",
        source=overrides.to_json(getattr(source, "stored", source)),
        problem=overrides.to_json(digits.TASK.problem),
    )
    return dict(made.exec_properties)


ARGUMENT = "--json_serialized_invocation_args"


@pytest.mark.slow
@pytest.mark.usefixtures("tfx_ready")
def test_a_step_asks(metadata_server: MetadataServer, tmp_path: Path) -> None:
    sent = _executor_input(tmp_path, {"text": ""}, {}, {"schema": "tfx.Schema"})
    executor = "components.data_validation.reviewed_schema.ReviewedSchema_Executor"
    command = ("-m", "pipelines.cloud.container", "--executor_class_path", executor, ARGUMENT, sent)
    spec = json.dumps({"parameters": {"text": {"parameterType": "STRING"}}})
    assert _asks(metadata_server, tmp_path, *command, "--json_serialized_inputs_spec_args", spec)


@pytest.mark.slow
@pytest.mark.usefixtures("tfx_ready")
@pytest.mark.parametrize("entry", [("container_driver",), ("container_look", "data")])
def test_what_looks_at_the_data_asks(
    metadata_server: MetadataServer, tmp_path: Path, entry: tuple[str, ...]
) -> None:
    sent = _executor_input(tmp_path, _reader(), {}, {"examples": "tfx.Examples"})
    module, *what = entry
    spec = json.dumps({"parameters": {"input_base": {"parameterType": "STRING"}}})
    command = ("-m", f"pipelines.cloud.{module}", *what, ARGUMENT, sent)
    assert _asks(metadata_server, tmp_path, *command, "--json_serialized_inputs_spec_args", spec)


@pytest.mark.slow
def test_what_looks_at_served_models_asks(metadata_server: MetadataServer, tmp_path: Path) -> None:
    parameters = {"serving_folder": "gs://bucket/serving/digits"}
    sent = _executor_input(tmp_path, parameters, {"candidate": "tfx.Model"}, {})
    assert _asks(
        metadata_server, tmp_path, "-m", "pipelines.cloud.container_look", "served", ARGUMENT, sent
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "asking",
    [
        "import tensorflow as tf; tf.io.gfile.exists('gs://bucket/file')",
        "import google.auth as a, google.auth.transport.requests as r\n"
        "a.default()[0].refresh(r.Request())",
    ],
    ids=["tensorflow", "google.auth"],
)
def test_a_beam_worker_asks(metadata_server: MetadataServer, tmp_path: Path, asking: str) -> None:
    program = f"from pipelines.cloud import worker as beam_worker\n{asking}"
    assert _asks(metadata_server, tmp_path, "-c", program)


def test_only_what_runs_on_this_machine_may_do_without() -> None:
    """The variable is set in one function, which the two local commands call, and nobody else."""
    naming, calling = set(), set()
    for package in ("pipelines", "components", "trainer_modules"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value == "NO_GCE_CHECK":
                    naming.add(path.name)
                if isinstance(node, ast.Attribute) and node.attr == "on_this_machine_alone":
                    calling.add(path.name)
    assert naming == {"startup.py"} and calling == {"run_local.py", "predict.py"}
    assert "NO_GCE_CHECK" not in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("places", "off"), [((None, "runs", "/data"), True), (("gs://bucket/data", "runs"), False)]
)
def test_a_local_run_of_data_in_a_bucket_needs_them_too(
    monkeypatch: pytest.MonkeyPatch, places: tuple, off: bool
) -> None:
    from pipelines import startup

    # Set first, so that it is gone again after the test.
    monkeypatch.setenv("NO_GCE_CHECK", "")
    monkeypatch.delenv("NO_GCE_CHECK")
    startup.on_this_machine_alone(*places)
    assert ("NO_GCE_CHECK" in os.environ) is off
