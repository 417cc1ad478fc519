"""ServingCheck: tests the exported model with real images before Pusher may push it.

A new process with only TensorFlow loads the SavedModel, as a server would, and predicts raw bytes
of evaluated examples (and invalid input), or generated ones if there is no data. The results are
in `check.json`; a model that fails is not blessed, and Pusher, which reads the blessing, pushes
nothing.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import tensorflow as tf
from tfx.dsl.component.experimental.annotations import (
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, path_utils

from components.evaluator import report as evaluation_report
from components.serving_check import process as serving_check_process
from trainer_modules.engine import tensorflow_alone
from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Serving
from trainer_modules.engine.training.examples import records

CHECK_FILE = "check.json"
_TIMEOUT_SECONDS = 600
# The report's lists of examples to use, and the field that each output must equal.
_EXAMPLE_LISTS = ("right", "wrong", "sample", "most_wrong")
_EXPECTED = {
    "label": "predicted",
    "score": "probability",
    "value": "predicted",
    "labels": "labels",
}


def evaluated(report: dict[str, Any], outputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns id → expected outputs of the examples that an evaluation report lists.

    Args:
      report: Evaluator's report.
      outputs: The problem's `served_outputs`; outputs that are missing from the report are left
        out.
    """
    by_id: dict[str, dict[str, Any]] = {}
    lists = [report["details"].get(name) or [] for name in _EXAMPLE_LISTS]
    for entry in (entry for entries in lists for entry in entries):
        expected = {
            name: entry[_EXPECTED[name]]
            for name in outputs
            if name in _EXPECTED and _EXPECTED[name] in entry
        }
        by_id.setdefault(entry["id"], expected)
    return by_id


def sample(files: list[str], wanted: dict[str, Any], count: int) -> dict[str, bytes]:
    """Returns id → serialized raw tf.Example for up to `count` examples.

    Examples whose ids are in `wanted` come first; others fill up. Reading ends when there are
    enough of the wanted ones, so that a large split is not read whole.
    """
    chosen: dict[str, bytes] = {}
    others: dict[str, bytes] = {}
    for serialized in records(files).as_numpy_iterator():
        example = tf.train.Example.FromString(serialized)
        name = example.features.feature["id"].bytes_list.value[0].decode("utf-8", "replace")
        if name in wanted:
            chosen[name] = serialized
        elif len(others) < count:
            others[name] = serialized
        if len(chosen) == min(count, len(wanted)) and len(chosen) + len(others) >= count:
            break
    return dict([*chosen.items(), *others.items()][:count])


def request(
    model: str,
    examples: dict[str, bytes],
    expected: dict[str, Any],
    taken: Input,
    problem: Any,
    limits: Serving,
) -> dict[str, Any]:
    """Returns the request to the process; see `serving_check_process`."""
    parsed = [tf.train.Example.FromString(e).features.feature for e in examples.values()]
    inputs = {name: [_value(f[raw]) for f in parsed] for name, raw in taken.served.items()}
    return {
        "model": model,
        "ids": list(examples),
        "inputs": inputs,
        "input_dtypes": dict.fromkeys(inputs, taken.served_dtype),
        "examples": [_b64(e)["b64"] for e in examples.values()],
        "expected": [expected.get(name, {}) for name in examples],
        "outputs": problem.served_outputs,
        "classes": list(problem.names),
        "junk": taken.decodes,
        "tolerance": limits.tolerance,
        "max_latency_ms": limits.max_latency_ms,
    }


def _b64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}


def _value(feature: Any) -> Any:
    """Returns the one value of a feature, as JSON for the process."""
    if feature.bytes_list.value:
        return _b64(feature.bytes_list.value[0])
    return float((feature.float_list.value or feature.int64_list.value)[0])


def check(asked: dict[str, Any]) -> dict[str, Any]:
    """Runs the checks in a new process; if the process crashes, the model fails.

    Returns:
      `passed`, `reason` ("" when passed), `checks`, `latency_ms`, `import_seconds`.
    """
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TF_USE_LEGACY"))
    }
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as folder:
        question, answer = (os.path.join(folder, name) for name in ("request", "answer"))
        with open(question, "w", encoding="utf-8") as f:
            json.dump(asked, f)
        engine = os.path.dirname(os.path.abspath(tensorflow_alone.__file__))
        script = os.path.abspath(serving_check_process.__file__)
        try:
            done = subprocess.run(
                [sys.executable, "-I", script, engine, question, answer],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _failed(f"no answer within {_TIMEOUT_SECONDS} s")
        if done.returncode != 0 or not os.path.exists(answer):
            last = done.stderr.strip().split("\n")[-1]
            return _failed(f"the process ended with exit code {done.returncode}: {last}")
        with open(answer, encoding="utf-8") as f:
            result: dict[str, Any] = json.load(f)
            return result


def _failed(reason: str) -> dict[str, Any]:
    return {"passed": False, "reason": reason, "checks": []}


@component
def ServingCheck(
    model: InputArtifact[standard_artifacts.Model],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    input: Parameter[str],
    problem: Parameter[str],
    serving: Parameter[str],
    code_fingerprint: Parameter[str] = "",
    examples: InputArtifact[standard_artifacts.Examples] = None,
    evaluation: InputArtifact[standard_artifacts.ModelEvaluation] = None,
) -> None:
    """Blesses `model` if it serves; writes `check.json` beside the blessing.

    Args:
      model: The exported model.
      blessing: Read by Pusher as `infra_blessing`.
      input: The task's input as JSON.
      problem: The task's problem as JSON.
      serving: The task's `Serving` as JSON.
      code_fingerprint: Changes when the code does, so that caching notices.
      examples: Raw Examples, with the splits that were evaluated; without any, generated ones are
        used.
      evaluation: Evaluator's output, with `report.json`; without it, examples of every split are
        used, and predictions are not compared.
    """
    del code_fingerprint
    taken, what = overrides.from_json(input), overrides.from_json(problem)
    limits = overrides.from_json(serving)
    expected: dict[str, Any] = {}
    if examples is None:
        chosen = taken.generated(limits.samples)
    else:
        splits = artifact_utils.decode_split_names(examples.split_names)
        if evaluation is not None:
            report_file = os.path.join(evaluation.uri, evaluation_report.REPORT_FILE)
            report = json.loads(io_utils.read_string_file(report_file))
            splits, expected = report["splits"], evaluated(report, what.served_outputs)
        files = [
            file
            for split in splits
            for uri in artifact_utils.get_split_uris([examples], split)
            for file in tf.io.gfile.glob(io_utils.all_files_pattern(uri))
        ]
        chosen = sample(sorted(files), expected, limits.samples)
    asked = request(path_utils.serving_model_path(model.uri), chosen, expected, taken, what, limits)
    result = check(asked)
    result["compared_with_evaluator"] = sum(bool(e) for e in asked["expected"])
    io_utils.write_string_file(os.path.join(blessing.uri, CHECK_FILE), json.dumps(result, indent=1))
    # The files of TFX's own InfraValidator, which Pusher requires.
    blessed = "INFRA_BLESSED" if result["passed"] else "INFRA_NOT_BLESSED"
    io_utils.write_string_file(os.path.join(blessing.uri, blessed), "")
    blessing.set_int_custom_property("blessed", int(result["passed"]))
