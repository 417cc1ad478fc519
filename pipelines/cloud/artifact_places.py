"""Reads the URIs of a step's artifacts: which run it belongs to, and whether its inputs exist.

Both platforms put an artifact at `…/<run>/<step>/<key>`. Vertex AI adds the execution to the
step (`Trainer_-123`), Kubeflow a folder for it below (`Trainer/<uuid>/model`). The run's name in
these URIs is the same after a retry of the step, and is not part of the step's cache key.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.service_calls import RUN_LABEL
from trainer_modules.engine.custom_config import CHECKPOINTS_KEY
from trainer_modules.engine.errors import BadInputError

# Where TFX's Vertex AI extension finds the CustomJob in a `custom_config`.
JOB = "ai_platform_training_args"
_EXECUTION = re.compile(r"_-?\d+$")
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
# Vertex AI's labels: lower-case letters, digits, dashes, underscores, at most 63.
_NOT_IN_LABELS = re.compile(r"[^a-z0-9_-]")
# Empty where nothing was pushed.
_MAY_BE_EMPTY = "tfx.PushedModel"
# The evaluation reports its loss, and then has no comparison.
_BASELINE = "baseline_model"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an artifact lies.

    Attributes:
      run: The run that made it.
      step: The step that made it.
    """

    run: str
    step: str


def of(uri: str) -> Place:
    """Returns the run and step in an artifact's URI."""
    parts = uri.rstrip("/").split("/")[:-1]
    if parts and _UUID.match(parts[-1]):
        parts.pop()
    run, step = ["", "", *parts][-2:]
    return Place(run=run, step=_EXECUTION.sub("", step))


def with_own_checkpoints(executor_input: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the input with a checkpoint folder of the run's own.

    Otherwise overlapping runs would continue from, and delete, each other's checkpoints. A retried
    step of the same run finds its own checkpoints.
    """
    inputs = executor_input.get("inputs", {})
    config = json.loads(inputs.get("parameterValues", {}).get("custom_config") or "null")
    uri = _first_output(executor_input)
    if not isinstance(config, dict) or not uri:
        return dict(executor_input)
    run = of(uri).run
    if CHECKPOINTS_KEY in config:
        config[CHECKPOINTS_KEY] += f"/{run}"
    if JOB in config:
        # Vertex AI names a folder `checkpoints` below it to the job.
        output = config[JOB]["job_spec"]["base_output_directory"]
        output["output_uri_prefix"] += f"/{run}"
        config[JOB].setdefault("labels", {})[RUN_LABEL] = _NOT_IN_LABELS.sub("-", run.lower())[:63]
    values = {**inputs["parameterValues"], "custom_config": json.dumps(config, sort_keys=True)}
    return {**executor_input, "inputs": {**inputs, "parameterValues": values}}


def _first_output(executor_input: Mapping[str, Any]) -> str:
    for output in executor_input.get("outputs", {}).get("artifacts", {}).values():
        for artifact in output.get("artifacts", []):
            return str(artifact["uri"])
    return ""


def check_inputs(executor_input: Mapping[str, Any]) -> None:
    """Checks that the files of every input exist before the step begins.

    Args:
      executor_input: With URIs that TensorFlow can open.

    Raises:
      BadInputError: If an artifact is known to the platform but its files no longer exist.
    """
    for key, channel in executor_input.get("inputs", {}).get("artifacts", {}).items():
        for artifact in channel.get("artifacts", []):
            missing = _missing(artifact)
            if missing and key == _BASELINE:
                logging.warning(
                    "the last blessed model no longer exists: there is nothing in %s", missing
                )
            elif missing:
                step = of(artifact["uri"]).step
                raise BadInputError(
                    f"The input '{key}' no longer exists: there is nothing in {missing}. The step "
                    f"{step} produced it and was later served from the cache, but its files have "
                    "since been deleted, by a lifecycle rule or by hand. Recreate them with one "
                    "run without the cache (run_kubeflow.py submit … --no-cache), and keep the "
                    "files of runs for longer than the longest period without new data."
                )


def _missing(artifact: Mapping[str, Any]) -> str:
    """Returns the folder without files; "" for none."""
    kind = artifact.get("type", {})
    title = kind.get("schemaTitle") or kind.get("instanceSchema") or ""
    if _MAY_BE_EMPTY in title:
        return ""
    uri = str(artifact["uri"])
    return "" if _holds_something(uri) else uri


def _holds_something(path: str) -> bool:
    import tensorflow as tf

    if not tf.io.gfile.exists(path):
        return False
    return not tf.io.gfile.isdir(path) or bool(tf.io.gfile.listdir(path))
