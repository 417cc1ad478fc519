"""The registry of platforms."""

import importlib

from pipelines.cloud.target import Target
from trainer_modules.engine.errors import BadInputError, did_you_mean

DEFAULT = "vertex"
# `--target` → the module whose `TARGET` it is.
MODULES = {
    "vertex": "pipelines.cloud.vertex.target",
    "kubeflow": "pipelines.cloud.kubeflow.target",
}


def find(name: str) -> Target:
    """Returns a platform.

    Raises:
      BadInputError: If there is none of that name.
    """
    if name not in MODULES:
        raise BadInputError(f"--target {did_you_mean(name, MODULES)}.")
    target = importlib.import_module(MODULES[name]).TARGET
    assert isinstance(target, Target), name
    return target


def every() -> list[Target]:
    """Returns all platforms."""
    return [find(name) for name in MODULES]
