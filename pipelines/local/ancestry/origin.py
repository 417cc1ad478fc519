"""What a run notes about itself in ML Metadata: options, code, environment.

Executions, artifacts and their parameters are there already. What they lack belongs to the run, so
it becomes custom properties of the run's context, before the first node: a killed run has them too.
"""

import dataclasses
import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib import metadata as installed
from pathlib import Path
from typing import Any

from pipelines.config import RunConfig

RUN_CONTEXT = "pipeline_run"
RUN_ID, OPTIONS = "run_id", "options"
REVISION, SOURCE, LOCK, ENVIRONMENT = "revision", "source_sha256", "lock_sha256", "environment"
_HOME = Path(__file__).parents[3]
_CODE = ("pipelines", "components", "trainer_modules", "schemas")
_SHOWN = ("tensorflow", "tf-keras", "tfx", "tensorflow-transform", "apache-beam", "numpy")
# `mysql://user:password@host` is not for a record that others read.
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


def of_run(config: RunConfig, run_id: str) -> dict[str, str]:
    """Returns what is noted about a run, each value as text.

    Args:
      config: The run.
      run_id: Its id, under which its summary is archived.

    Returns:
      `run_id`, `options` (JSON of the configuration), `revision` (git's, with "-dirty" for edited
      files; "" without git), `source_sha256` (of all code of this repository), `lock_sha256` (of
      `uv.lock`) and `environment` (JSON: Python, processor and the versions that decide about
      numbers).
    """
    options = {
        name: _PASSWORD.sub("", value) if isinstance(value, str) else value
        for name, value in dataclasses.asdict(config).items()
    }
    return {
        RUN_ID: run_id,
        OPTIONS: json.dumps(options, ensure_ascii=False),
        REVISION: revision(),
        SOURCE: source(),
        LOCK: lock(),
        ENVIRONMENT: json.dumps(environment()),
    }


def write(handle: Any, context_name: str, about: Mapping[str, str]) -> None:
    """Notes `about` on the context of a run, creating it if need be.

    Args:
      handle: An open TFX metadata handle.
      context_name: TFX's id of the run.
      about: What `of_run` returned.
    """
    from tfx.orchestration.portable.mlmd import context_lib

    context = context_lib.register_context_if_not_exists(handle, RUN_CONTEXT, context_name)
    for name, value in about.items():
        context.custom_properties[name].string_value = value
    handle.store.put_contexts([context])


def revision() -> str:
    """Returns the commit that is checked out, with "-dirty" if files were edited; "" for none."""
    try:
        told = subprocess.run(
            [
                "git",
                "-C",
                str(_HOME),
                "describe",
                "--always",
                "--dirty",
                "--abbrev=12",
                "--exclude=*",
            ],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


def source() -> str:
    """Returns a SHA-256 over the names and contents of this repository's code and schemas."""
    digest = hashlib.sha256()
    for folder in _CODE:
        for path in sorted((_HOME / folder).rglob("*")):
            if path.suffix in (".py", ".pbtxt", ".jinja", ".json") and path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(_HOME).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def lock() -> str:
    """Returns the SHA-256 of `uv.lock`; "" where the package is installed without it."""
    path = _HOME / "uv.lock"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def environment() -> dict[str, str]:
    """Returns the versions and the processor on which the bits of a training depend."""
    versions = {name: installed.version(name) for name in _SHOWN}
    return {"python": platform.python_version(), "machine": platform.machine(), **versions}
