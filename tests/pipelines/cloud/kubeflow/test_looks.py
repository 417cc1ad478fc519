"""The steps that look at external data before Kubeflow trusts its cache."""

import json

import pytest

from tests.pipelines.cloud.compiled_jobs import (
    KUBEFLOW,
    compile_job,
    container_of,
    tasks_of,
)

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_kubeflow_has_no_resolvers_and_looks_outside_each_time() -> None:
    compiled = compile_job(**KUBEFLOW)
    executors = compiled.job["pipelineSpec"]["deploymentSpec"]["executors"].values()
    # Its backend answers "resolver not implemented yet", and runs no driver before its cache.
    assert not [e for e in executors if "resolver" in e or "lifecycle" in e.get("container", {})]
    tasks = tasks_of(compiled)
    never = {name for name, task in tasks.items() if "cachingOptions" not in task}
    assert never == {"DataFingerprint", "ServedVersion"}
    for name, look, seen in (
        ("ImageExampleGen", "DataFingerprint", {"input_config", "input_fingerprint", "span"}),
        ("Baseline", "ServedVersion", {"version"}),
    ):
        parameters = tasks[name]["inputs"]["parameters"]
        taken = {
            key: source["taskOutputParameter"]
            for key, source in parameters.items()
            if "taskOutputParameter" in source
        }
        assert taken == {key: {"producerTask": look, "outputParameterKey": key} for key in seen}
        assert look in tasks[name]["dependentTasks"]
        arguments = container_of(compiled, name)["args"]
        declared = json.loads(arguments[arguments.index("--json_serialized_inputs_spec_args") + 1])
        assert seen <= set(declared["parameters"])
