"""What a rehearsal hands to a step, compared with what Kubeflow's own driver did."""

import copy
import json
from pathlib import Path

from tests.rehearsal.launcher import ObjectStoreLauncher

RECORDED = json.loads(
    (Path(__file__).parents[1] / "pipelines/cloud/recorded/DataGate.json").read_text()
)


def test_a_step_is_told_what_the_real_driver_told_it() -> None:
    """The recording, completed as `Rehearsal` keeps it, becomes the recording again."""
    recorded = RECORDED["executor_input"]
    complete = copy.deepcopy(recorded)
    declared = json.loads(RECORDED["command"][-1])["artifacts"]
    for key, found in complete["inputs"]["artifacts"].items():
        found["artifacts"][0]["type"] = declared[key]["artifactType"]
    logs = complete["outputs"]["artifacts"].pop("executor-logs")["artifacts"][0]["uri"]
    for found in complete["outputs"]["artifacts"].values():
        found["artifacts"][0] |= {"name": "new", "metadata": {}}
    launcher = ObjectStoreLauncher(None, "minio://mlpipeline/vision")
    assert launcher.says(complete, {}, logs) == recorded
    with_parameter = launcher.says(complete, {"version": {}}, logs)["outputs"]["parameters"]
    assert with_parameter == {"version": {"outputFile": "/tmp/kfp/outputs/version"}}
