"""Small steps that inspect external data, so that open-source Kubeflow's cache is reliable.

Its driver compares a step's parameters, the ids of its input artifacts, its outputs, image and
command; unlike Vertex AI's `preCacheCheck`, nothing inspects external data before that. A reader
served from the cache would miss new data, and a reader that is never cached gives its artifacts new
ids each time, so that all later steps run again too.

So a separate step, which is never cached, inspects the data and writes its findings to output
parameters, which are parameters of the reading step. The same data gives the same parameters, the
cached artifacts keep their ids, and later steps are cached as well.
"""

import copy
import json
from dataclasses import dataclass
from typing import Any

_COMMAND = ("python", "-m", "pipelines.cloud.container_look")
_SPEC_ARGUMENT = "--json_serialized_inputs_spec_args"
_ARGUMENTS = ("--json_serialized_invocation_args", "{{$}}", _SPEC_ARGUMENT)


@dataclass(frozen=True)
class Look:
    """A step that inspects external data before another step reads it.

    Attributes:
      name: The inspecting step.
      what: The first argument of `pipelines.cloud.container_look`.
      before: The reading step; both have the same inputs.
      seen: Output parameter → its type; they are parameters of the reading step.
    """

    name: str
    what: str
    before: str
    seen: dict[str, str]


LOOKS = (
    Look(
        "DataFingerprint",
        "data",
        before="ImageExampleGen",
        seen={"input_config": "STRING", "input_fingerprint": "STRING", "span": "NUMBER_INTEGER"},
    ),
    Look("ServedVersion", "served", before="Baseline", seen={"version": "STRING"}),
)


def add(spec: dict[str, Any]) -> None:
    """Adds the inspecting steps to a compiled pipeline, for the reading steps that it has."""
    for look in LOOKS:
        if look.before in spec["root"]["dag"]["tasks"]:
            _add(spec, look)


def _add(spec: dict[str, Any], look: Look) -> None:
    tasks, components = spec["root"]["dag"]["tasks"], spec["components"]
    task = tasks[look.before]
    component = components[task["componentRef"]["name"]]
    executors = spec["deploymentSpec"]["executors"]
    reader = executors[component["executorLabel"]]["container"]
    definitions = component["inputDefinitions"]
    types = {key: {"parameterType": kind} for key, kind in look.seen.items()}

    label = f"{look.name}_executor"
    executors[label] = {
        "container": {
            **{key: value for key, value in reader.items() if key != "lifecycle"},
            "command": list(_COMMAND),
            "args": [look.what, *_ARGUMENTS, json.dumps(definitions, sort_keys=True)],
        }
    }
    components[look.name] = {
        "executorLabel": label,
        "inputDefinitions": copy.deepcopy(definitions),
        "outputDefinitions": {"parameters": types},
    }
    tasks[look.name] = {
        "componentRef": {"name": look.name},
        "taskInfo": {"name": look.name},
        "inputs": copy.deepcopy(task["inputs"]),
        "dependentTasks": list(task.get("dependentTasks", [])),
    }
    if not tasks[look.name]["dependentTasks"]:
        del tasks[look.name]["dependentTasks"]

    definitions["parameters"] |= types
    task["inputs"]["parameters"] |= {
        key: {"taskOutputParameter": {"producerTask": look.name, "outputParameterKey": key}}
        for key in look.seen
    }
    task["dependentTasks"] = sorted({*task.get("dependentTasks", []), look.name})
    at = reader["args"].index(_SPEC_ARGUMENT) + 1
    reader["args"][at] = json.dumps(definitions, sort_keys=True)
    # Kubeflow does not run it; the inspecting step replaces it.
    reader.pop("lifecycle", None)
