"""Runs the pipeline in this process, node by node, and reports each node's result.

TFX's LocalDagRunner runs the same loop but does not report when a node starts, whether its result
came from the cache, or which node failed.
"""

import datetime
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.types import Artifact, artifact_utils

from pipelines.local.ancestry import origin

_RAN = metadata_store_pb2.Execution.COMPLETE
_CACHED = metadata_store_pb2.Execution.CACHED


@dataclass(frozen=True, kw_only=True)
class NodeResult:
    """The result of one node.

    Attributes:
      id: The node's id.
      cached: The outputs are those of an earlier run.
      resolver: The node only resolves artifacts; it does no work of its own.
      seconds: Wall time.
      outputs: Output key → artifacts.
    """

    id: str
    cached: bool
    resolver: bool
    seconds: float
    outputs: dict[str, list[Artifact]] = field(default_factory=dict)


class NodeFailedError(RuntimeError):
    """A node raised; `__cause__` is what it raised."""

    def __init__(self, node_id: str, seconds: float) -> None:
        super().__init__(node_id)
        self.node_id = node_id
        self.seconds = seconds


class LocalRunner(LocalDagRunner):
    """LocalDagRunner that reports.

    Attributes:
      started: Called with a node's id before it runs.
      finished: Called with the node's result.
      about: What is noted in ML Metadata about the run, see `ancestry.origin`.
      results: The results so far, in order.
    """

    def __init__(
        self,
        *,
        started: Callable[[str], None],
        finished: Callable[[NodeResult], None],
        run_id: str = "",
        about: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._about = about or {}
        self._run_id = run_id
        self._started = started
        self._finished = finished
        self.results: list[NodeResult] = []

    def run_with_ir(self, pipeline: Any, run_options: Any = None) -> None:
        """Runs every node; see the base class.

        Raises:
          NodeFailedError: If a node fails; the nodes before it keep their results.
        """
        assert run_options is None, "partial runs are not supported"
        run = self._run_id or datetime.datetime.now().isoformat()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run}
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        connection = getattr(
            deployment.metadata_connection_config,
            deployment.metadata_connection_config.WhichOneof("connection_config"),
        )
        if self._about:
            with metadata.Metadata(connection) as handle:
                origin.write(handle, run, self._about)
        for node in pipeline.nodes:
            self._run_node(pipeline, node.pipeline_node, deployment, connection)

    def _run_node(self, pipeline: Any, node: Any, deployment: Any, connection: Any) -> None:
        node_id = node.node_info.id
        self._started(node_id)
        begin = time.monotonic()
        try:
            executor = runner_utils.extract_executor_spec(deployment, node_id)
            execution = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=metadata.Metadata(connection),
                pipeline_info=pipeline.pipeline_info,
                pipeline_runtime_spec=pipeline.runtime_spec,
                executor_spec=executor,
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
            ).launch()
            with metadata.Metadata(connection) as handle:
                state, outputs = _outcome(handle.store, execution.execution_id)
        except Exception as error:
            raise NodeFailedError(node_id, time.monotonic() - begin) from error
        if state not in (_RAN, _CACHED):
            # The launcher records an unresolved input as a failure without raising.
            name = metadata_store_pb2.Execution.State.Name(state)
            cause = RuntimeError(f"its inputs could not be resolved (execution state {name})")
            raise NodeFailedError(node_id, time.monotonic() - begin) from cause
        result = NodeResult(
            id=node_id,
            cached=state == _CACHED,
            resolver=executor is None,
            seconds=time.monotonic() - begin,
            outputs=outputs,
        )
        self.results.append(result)
        self._finished(result)


def _outcome(store: Any, execution_id: int) -> tuple[int, dict[str, list[Artifact]]]:
    """Returns an execution's state and its output artifacts by key."""
    (execution,) = store.get_executions_by_id([execution_id])
    events = [
        e
        for e in store.get_events_by_execution_ids([execution_id])
        if e.type == metadata_store_pb2.Event.OUTPUT
    ]
    outputs: dict[str, list[Artifact]] = {}
    for event in events:
        (artifact,) = store.get_artifacts_by_id([event.artifact_id])
        (kind,) = store.get_artifact_types_by_id([artifact.type_id])
        key = event.path.steps[0].key
        outputs.setdefault(key, []).append(artifact_utils.deserialize_artifact(kind, artifact))
    return execution.last_known_state, outputs
