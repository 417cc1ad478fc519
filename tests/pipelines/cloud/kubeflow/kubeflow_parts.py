"""Kubeflow Pipelines' own programs on this machine: API server, Argo compiler, driver, launcher.

They come from `KFP_BIN`, or from `../shared/kfp/bin` beside the checkout; what stands in for a
cluster (ML Metadata's server, an S3 server, two objects of the Kubernetes API, and Argo's
place-holder) lies in the folder above. Everything runs in a network namespace of its own, so that
ports are never taken, and in mount namespaces, so that a step sees the paths of a pod.
"""

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
PROGRAMS = ("api-server", "compile-workflow", "driver", "launcher-v2")
HELPERS = ("mlmd_server.py", "s3_server.py", "kube_stub.py", "run_workflow.py", "api_config.json")
HOST = "http://127.0.0.1:18888"
METADATA = "127.0.0.1:18080"
PIPELINE_ROOT = "minio://mlpipeline/vision"
_LINE = re.compile(r"^\S+ (driver|pod) +(\S+) +rc=(\d+) +([\d.]+)s(?: cached=(\w+))?$")
# Holds the namespaces: loopback up, and the launcher's folder in /tmp not that of the host.
_HOLDER = """
import fcntl, os, socket, struct, subprocess, sys
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
os.makedirs("/tmp/kfp", exist_ok=True)
mount = lambda *argv: subprocess.run(["mount", *argv], check=True)
mount("--make-rprivate", "/")
mount("-t", "tmpfs", "-o", "mode=1777", "none", "/tmp/kfp")
print("ready", flush=True)
sys.stdin.read()
"""


def missing() -> str:
    """Returns why there can be no cluster here; "" if there can."""
    folder = _folder()
    if folder is None:
        return "Kubeflow's programs are not here: set KFP_BIN to the folder that has them"
    lacking = [name for name in PROGRAMS if not _program(folder, name).exists()]
    lacking += [name for name in HELPERS if not (folder.parent / name).exists()]
    if lacking:
        return f"{folder} lacks {', '.join(lacking)}"
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("setpriv"):
        return "steps run as another user in namespaces of their own, which takes root"
    return ""


def _folder() -> Path | None:
    named = os.environ.get("KFP_BIN")
    if named:
        return Path(named)
    beside = ROOT.parent / "shared/kfp/bin"
    return beside if beside.is_dir() else None


def _program(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.xz"
    return packed if packed.exists() else folder / name


@dataclass(frozen=True)
class Step:
    """What happened to one step of a run.

    Attributes:
      cached: Whether Kubeflow's driver took it from the cache.
      ran: Whether its command ran.
      ok: Whether nothing failed.
      seconds: Of its command.
    """

    cached: bool
    ran: bool
    ok: bool
    seconds: float


class Cluster:
    """A running set of Kubeflow's programs, with its own stores under `folder`."""

    def __init__(self, folder: Path) -> None:
        found = _folder()
        assert found is not None
        self._helpers, self._folder = found.parent, folder
        self._servers: list[subprocess.Popen] = []
        (folder / "bin").mkdir(parents=True)
        for name in PROGRAMS:
            source, target = _program(found, name), folder / "bin" / name
            if source.suffix == ".xz":
                with lzma.open(source) as packed, target.open("wb") as program:
                    shutil.copyfileobj(packed, program)
            else:
                shutil.copyfile(source, target)
            target.chmod(0o755)
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", sys.executable, "-c", _HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout and self._holder.stdout.readline() == "ready\n"
        self._serve()

    def _inside(self, *command: str | Path) -> list[str]:
        namespaces = ("nsenter", "--target", str(self._holder.pid), "--net", "--mount")
        return [*namespaces, *(str(part) for part in command)]

    def _serve(self) -> None:
        state = self._folder / "state"
        (state / "api").mkdir(parents=True)
        shutil.copy(self._helpers / "api_config.json", state / "api/config.json")
        python = sys.executable
        for name, command in {
            "mlmd": [python, self._helpers / "mlmd_server.py", "18080", state / "mlmd.db"],
            "s3": [python, self._helpers / "s3_server.py", "19000"],
            "kube": [python, self._helpers / "kube_stub.py", "16443", "19000", state / "k8s"],
            "api": [
                *(self._folder / "bin/api-server", "-config", state / "api"),
                *("-rpcPortFlag", ":18887", "-httpPortFlag", ":18888"),
            ],
        }.items():
            with (state / f"{name}.log").open("w") as log:
                self._servers.append(
                    subprocess.Popen(
                        self._inside(*command),
                        cwd=state,
                        env=os.environ
                        | {
                            "POD_NAMESPACE": "kubeflow",
                            "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_HOST": "127.0.0.1",
                            "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_PORT": "18889",
                            "H5_DB": str(state / "kfp.db"),
                        },
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        for port in (16443, 18080, 18888, 19000):
            self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        program = (
            "import socket, sys, time\n"
            "end = time.monotonic() + 120\n"
            "while time.monotonic() < end:\n"
            "    try:\n"
            "        socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()\n"
            "        sys.exit()\n"
            "    except OSError: time.sleep(0.2)\n"
            "sys.exit(f'nobody answers at port {sys.argv[1]}')"
        )
        subprocess.run(self._inside(sys.executable, "-c", program, str(port)), check=True)

    def python(self, *argv: str, env: Mapping[str, str] | None = None) -> str:
        """Runs Python in the cluster's network; returns what it prints."""
        done = subprocess.run(
            self._inside(sys.executable, *argv),
            cwd=ROOT,
            env=os.environ | dict(env or {}),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return done.stdout

    def run(self, *options: str, log: Path) -> tuple[str, dict[str, Step]]:
        """Compiles and submits a job with the project's own commands, and runs all its steps.

        Args:
          options: Of `run_kubeflow.py`, beside what the cluster gives.
          log: Where to keep what the runner prints.

        Returns:
          The run's id, and step → what happened to it.
        """
        given = ("--target", "kubeflow", "--pipeline-root", PIPELINE_ROOT, *options)
        given = (*given, "--image", "registry/vision@sha256:0")
        job = self._folder / f"job-{time.monotonic_ns()}.yaml"
        entry = str(ROOT / "pipelines/run_kubeflow.py")
        self.python(entry, "compile", *given, "--output", str(job))
        submitted = self.python(entry, "submit", *given, "--host", HOST)
        run = submitted.split("submitted ")[1].split()[0]
        workflows = self._folder / "workflows"
        workflows.mkdir(exist_ok=True)
        subprocess.run(
            [self._folder / "bin/compile-workflow", workflows, job], check=True, capture_output=True
        )
        command = (
            *(self._helpers / "run_workflow.py", workflows / f"{job.name}.wf.json"),
            *(self._folder / "runs" / run, run, "--uid", "1000"),
        )
        with log.open("w") as output:
            subprocess.run(
                self._inside(sys.executable, *command),
                env=os.environ | {"PROJECT": str(ROOT), "KFP_DIR": str(self._folder)},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        return run, _steps(log.read_text())

    def handed(self, run: str, step: str) -> dict[str, Any]:
        """Returns the `ExecutorInput` that Kubeflow's driver made for a step that ran."""
        pod = self._folder / "runs" / run / "pods" / f"{run}-root-{step}-executor"
        command = json.loads((pod / "cmd.json").read_text())
        return dict(json.loads(command[command.index("--executor_input") + 1]))

    def stop(self) -> None:
        """Ends what was started."""
        for server in self._servers:
            server.kill()
            server.wait()
        assert self._holder.stdin and self._holder.stdout
        self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()


def _steps(printed: str) -> dict[str, Step]:
    found: dict[str, dict[str, Any]] = {}
    for match in filter(None, map(_LINE.match, printed.splitlines())):
        kind, path, code, seconds, cached = match.groups()
        name = path.split("/")[1] if path.count("/") else path
        name = name.removesuffix("-driver")
        step = found.setdefault(name, {"cached": False, "ran": False, "ok": True, "seconds": 0.0})
        step["ok"] &= code == "0"
        if kind == "pod":
            step |= {"ran": True, "seconds": float(seconds)}
        elif cached == "true":
            step["cached"] = True
    return {name: Step(**step) for name, step in found.items() if name != "root"}
