"""Schedules, against Kubeflow's own API server."""

from typing import Any

import pytest
import yaml

from pipelines.cloud import config as cloud_config
from pipelines.cloud import schedules, targets
from pipelines.cloud.compiled import Compiled
from trainer_modules.engine.errors import BadInputError

RULES = targets.find("kubeflow").cron

WEEKLY = schedules.timing("0 3 * * 1", "UTC", 1, None, None, rules=RULES)
# One step that Kubeflow's compiler takes.
SPEC = """
pipelineInfo: {name: digits}
schemaVersion: 2.1.0
sdkVersion: kfp-2.16.0
components: {comp-a: {executorLabel: exec-a}}
deploymentSpec: {executors: {exec-a: {container: {image: busybox, command: ['true']}}}}
root: {dag: {tasks: {a: {componentRef: {name: comp-a}, taskInfo: {name: a}}}}}
"""


@pytest.fixture
def kubeflow(api_server: str) -> Any:
    from pipelines.cloud.kubeflow.service import KubeflowService

    values = {"target": "kubeflow", "host": api_server, "pipeline_root": "minio://mlpipeline/r"}
    return KubeflowService(cloud_config.build(values))


@pytest.fixture
def compiled() -> Compiled:
    return Compiled({"pipelineSpec": yaml.safe_load(SPEC)})


@pytest.mark.parametrize(
    "cron",
    [
        *("0 3 * * 1", "0 3 * * 7", "0 3 * * 0", "0 3 * * SUN", "0 3 * * sun-tue", "0 3 * * 5-7"),
        *("0 3 * * fri-sun", "10-5 * * * *", "*/0 * * * *", "*/15 0-6 1,15 * MON-FRI"),
        *("0 0 3 * * 1", "*/10 0 3 * * *", "60 0 3 * * 1", "0 3 ? * MON", "5 4 * JAN *"),
        *("0 3 L * *", "0 3 * * 1#2", "0 3 * * 5L", "5/15 * * * *", "1-10/3 * * * *"),
        *("0 24 * * *", "60 * * * *", "0 3 0 * *", "0 3 * 0 *", "0 3 * 13 *", "-5 * * * *"),
        *("1-2-3 * * * *", "1/2/3 * * * *", "0 3 * * MONDAY", "0 3 * jan-mar *", "05 3 * * 1/2"),
    ],
)
def test_cron_is_read_as_kubeflow_reads_it(kubeflow: Any, compiled: Compiled, cron: str) -> None:
    try:
        timing = schedules.timing(cron, "UTC", 1, None, None, rules=RULES)
        ours = ""
    except BadInputError as error:
        # What is refused here must be refused there too.
        timing, ours = schedules.Timing(cron=cron), str(error)
    try:
        kubeflow.schedule(f"cron {cron}", compiled, {}, timing)
        theirs = ""
    except Exception as error:
        theirs = str(error)
    assert bool(ours) == bool(theirs), ours or theirs


def test_an_update_of_a_paused_schedule_leaves_it_paused(kubeflow: Any, compiled: Compiled) -> None:
    assert not kubeflow.schedule("weekly", compiled, {}, WEEKLY).paused
    kubeflow.change("weekly", "pause")
    later = schedules.timing("30 4 * * *", "UTC", 2, None, None, rules=RULES)
    done = kubeflow.schedule("weekly", compiled, {}, later)
    assert (done.done, done.paused) == ("updated", True)
    (shown,) = [one for one in kubeflow.schedules() if one["name"] == "weekly"]
    assert (shown["state"], shown["cron"], shown["next"]) == ("disabled", "0 30 4 * * *", "")
    kubeflow.change("weekly", "resume")
    (shown,) = [one for one in kubeflow.schedules() if one["name"] == "weekly"]
    assert shown["state"] == "enabled" and " 04:30:00 (the controller's" in shown["next"]
    assert not kubeflow.schedule("weekly", compiled, {}, WEEKLY).paused
