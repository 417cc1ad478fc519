"""Adapts the platforms' container arguments to TFX's entry point.

Recorded from Kubeflow 2.14.3 (`tests/pipelines/cloud/recorded`): its driver passes an output
`executor-logs` of type `system.Artifact`, which no component declares, and leaves `instanceSchema`
empty for every artifact of another step.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

_PLATFORMS_OWN = "system."


def to_tfx_input(executor_input: Mapping[str, Any], inputs_spec: str | None) -> dict[str, Any]:
    """Returns an `ExecutorInput` that TFX's entry point reads.

    Args:
      executor_input: As the platform has filled in `{{$}}`, in JSON form.
      inputs_spec: What the compiled command line says of the component's inputs
        (`ComponentInputsSpec` in JSON form); None where it says nothing.
    """
    declared = json.loads(inputs_spec or "{}").get("artifacts", {})
    inputs, outputs = executor_input.get("inputs", {}), executor_input.get("outputs", {})
    return {
        **executor_input,
        "inputs": {
            **inputs,
            "artifacts": {
                key: _typed(channel, declared.get(key, {}).get("artifactType"))
                for key, channel in inputs.get("artifacts", {}).items()
            },
        },
        "outputs": {
            **outputs,
            "artifacts": {
                key: channel
                for key, channel in outputs.get("artifacts", {}).items()
                if _has_class(key, channel)
            },
        },
    }


def _typed(channel: Mapping[str, Any], declared: Mapping[str, Any] | None) -> dict[str, Any]:
    """Sets the compiled type of artifacts that have none."""
    artifacts = [
        artifact
        if any(artifact.get("type", {}).values()) or not declared
        else {**artifact, "type": declared}
        for artifact in channel.get("artifacts", [])
    ]
    return {**channel, "artifacts": artifacts}


def _has_class(key: str, channel: Mapping[str, Any]) -> bool:
    """Says whether an output's type has a class; only the platforms' own types may lack one."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    titles = [
        artifact.get("type", {}).get("schemaTitle", "") for artifact in channel.get("artifacts", [])
    ]
    unknown = [
        title
        for title in titles
        if title.startswith(_PLATFORMS_OWN) and title not in compiler_utils.TITLE_TO_CLASS_PATH
    ]
    if unknown:
        logging.info(
            "output %s (%s) belongs to the platform and is left unchanged", key, ", ".join(unknown)
        )
    return not unknown
