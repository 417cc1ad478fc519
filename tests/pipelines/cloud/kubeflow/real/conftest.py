"""Kubeflow's own programs, for tests that ask the real thing.

They are found in the folder that `KFP_BIN` names, or in `../shared/kfp/bin` beside the checkout,
packed (`.xz`) or not. Where they are not, these tests are skipped and say so.
"""

import json
import lzma
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[5]
PLACES = (os.environ.get("KFP_BIN"), str(ROOT.parent / "shared" / "kfp" / "bin"))
# What the API server wants to know; its other settings are those of its own image.
SETTINGS = {
    "DBConfig": {"MySQLConfig": {"DBName": "mlpipeline"}},
    "DBDriverName": "mysql",
    "DEFAULTPIPELINERUNNERSERVICEACCOUNT": "pipeline-runner",
    "CacheEnabled": "true",
    "CRON_SCHEDULE_TIMEZONE": "UTC",
}


@pytest.fixture(scope="session")
def kfp_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Returns what finds a program of Kubeflow by its name, unpacked."""

    def find(name: str) -> str:
        for place in filter(None, PLACES):
            plain, packed = Path(place) / name, Path(place) / f"{name}.xz"
            if plain.exists():
                return str(plain)
            if packed.exists():
                unpacked = tmp_path_factory.mktemp("kfp") / name
                unpacked.write_bytes(lzma.decompress(packed.read_bytes()))
                unpacked.chmod(0o755)
                return str(unpacked)
        pytest.skip(f"Kubeflow's {name} is not here: name its folder in KFP_BIN")

    return find


@pytest.fixture(scope="module")
def api_server(
    kfp_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Returns the address of Kubeflow's API server, its own handlers over a file of SQLite."""
    program = kfp_program("api-server")
    folder = tmp_path_factory.mktemp("api_server")
    (folder / "config.json").write_text(json.dumps(SETTINGS))
    grpc, http = _free_ports(2)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program, "-config", str(folder), f"-rpcPortFlag=:{grpc}", f"-httpPortFlag=:{http}"],
            env={
                "POD_NAMESPACE": "kubeflow",
                "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_HOST": "127.0.0.1",
                "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_PORT": "9",
                "H5_DB": str(folder / "kfp.db"),
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
            },
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    address = f"http://127.0.0.1:{http}"
    try:
        _await(address, process, folder / "log")
        yield address
    finally:
        process.kill()  # it does not heed a polite request
        process.wait(10)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _await(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/apis/v2beta1/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"Kubeflow's API server did not start:\n{log.read_text()[-2000:]}")
