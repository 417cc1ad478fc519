"""Beam's own boot, which Dataflow starts in the image, starts a worker as the image's user."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image import dockerfile
from tests.image.dockerfile import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
USER = "1000"
PIPELINE = """
import os, sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

def who(number):
    import os, sys
    return f"{number} {os.getuid()} {'tfx.components' in sys.modules} {sys.prefix}"

options = PipelineOptions([
    "--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=EXTERNAL",
    f"--environment_config={sys.argv[1]}", "--beam_plugins=pipelines.cloud.worker",
])
with beam.Pipeline(options=options) as pipeline:
    _ = (pipeline | beam.Create([1]) | beam.Map(who)
         | beam.io.WriteToText(sys.argv[2], shard_name_template=""))
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("another user's worker is started by root alone")
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def boot(place: Path) -> Path:
    """Returns the program that the image has from `apache/beam_python3.11_sdk`."""
    if not shutil.which("go"):
        pytest.skip("Beam's boot is built with go, which is not here")
    version = dockerfile.argument("BEAM").rpartition(":")[2]
    module = f"github.com/apache/beam/sdks/v2/python/container@v{version}"
    done = subprocess.run(
        ["go", "install", module],
        env=os.environ | {"GOBIN": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"Beam's boot cannot be built: {done.stderr[-300:]}")
    return place / "container"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < end, "the worker pool does not start"
            time.sleep(0.2)


def test_a_worker_starts_as_the_images_user(boot: Path, place: Path) -> None:
    """Beam's worker pool starts boot for each worker, boot provisions it and runs Python."""
    settings = dockerfile.environment("runtime") | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(place),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    port = _free_port()
    # The tests' environment may lie where another user cannot look.
    user = ("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups")
    reading = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
    with (place / "pool.log").open("w") as log:
        pool = subprocess.Popen(
            [
                *(*user, *reading, "python", "-m", "apache_beam.runners.worker.worker_pool_main"),
                *(f"--service_port={port}", f"--container_executable={boot}"),
            ],
            env=settings,
            cwd=place,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(port)
        done = subprocess.run(
            [sys.executable, "-c", PIPELINE, f"127.0.0.1:{port}", str(place / "said")],
            env=settings,
            timeout=300,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        pool.terminate()
        pool.wait()
    printed = (place / "pool.log").read_text()
    assert done.returncode == 0, done.stderr[-2000:] + printed[-3000:]
    assert (place / "said").read_text().split()[:3] == ["1", USER, "True"]
