"""What `submit --wait` ends with: pushed, failed, or trained and not blessed."""

from typing import Any

import pytest

from pipelines.cloud import (
    commands as cloud_commands,
)
from pipelines.cloud import (
    config as cloud_config,
)
from pipelines.cloud import (
    notifications,
)
from tests.pipelines.cloud.blessing_cases import CASES


@pytest.mark.parametrize(("said", "code", "line"), CASES)
def test_vertex(
    vertex_server: Any,
    compiled: Any,
    capfd: pytest.CaptureFixture,
    said: dict[str, int | None],
    code: int,
    line: str,
) -> None:
    from google.cloud import aiplatform_v1 as api

    from pipelines.cloud.vertex.service import VertexService

    config = cloud_config.build({"project": "p", "region": "r", "endpoint": vertex_server.address})
    vertex = VertexService(config)
    name, _ = vertex.submit(compiled, {})
    vertex_server.states = [api.PipelineState.PIPELINE_STATE_SUCCEEDED]

    def made(key: str, **metadata: Any) -> dict:
        artifact = api.Artifact(metadata=metadata, schema_title="tfx.ModelBlessing")
        return {key: api.PipelineTaskDetail.ArtifactList(artifacts=[artifact])}

    vertex_server.jobs[name].job_detail.task_details = [
        api.PipelineTaskDetail(task_name="Trainer", outputs=made("model")),
        *(
            api.PipelineTaskDetail(
                task_name=step,
                outputs=made("blessing", blessed={"train": 1} if number is None else number),
            )
            for step, number in said.items()
        ),
    ]
    assert cloud_commands.follow(vertex, name, pause=0.01) == code
    assert line in "".join(capfd.readouterr())


class _Failed:
    """A run that Verdict has failed."""

    def __init__(self, why: str) -> None:
        self._why = why

    def state(self, run: str) -> tuple[str, bool, str]:
        del run
        return "failed", False, self._why

    def blessings(self, run: str) -> dict[str, bool]:
        del run
        return {"ModelGate": False, "ServingCheck": True}


@pytest.mark.parametrize(("task", "code"), [("Verdict", 3), ("Report", 1)])
def test_submit_wait_knows_a_refusal_from_a_failure(task: str, code: int) -> None:
    failed: Any = _Failed(f"The failed tasks are: [{task}].")
    assert cloud_commands.follow(failed, "run", notifications.JUDGES) == code
