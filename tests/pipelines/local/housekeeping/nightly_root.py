"""A root with nights in a real metadata store, recorded by TFX's own functions."""

import datetime
import os
from pathlib import Path
from typing import Any

from pipelines import startup

startup.prepare()

from ml_metadata.proto import metadata_store_pb2  # noqa: E402
from tfx.orchestration import metadata  # noqa: E402
from tfx.orchestration.portable.mlmd import context_lib, execution_lib  # noqa: E402
from tfx.types import standard_artifacts  # noqa: E402

from pipelines.config import RunConfig  # noqa: E402
from tests.pipelines.local.history import roots  # noqa: E402

_BYTES = 1000
_STATES = metadata_store_pb2.Execution


class Nights:
    """Nights of digits: each reads its own data, trains a model, judges and pushes it.

    Attributes:
      config: The configuration of the runs.
    """

    def __init__(self, root: Path) -> None:
        self.config = RunConfig(root=str(root))
        self._connection = metadata.sqlite_metadata_connection_config(self.config.metadata_file)
        os.makedirs(self.config.folder, exist_ok=True)

    def night(
        self, number: int, *, blessed: bool = True, base: Any = None, pushed: bool = True
    ) -> dict[str, Any]:
        """Records a night and writes its files; returns its artifacts by output.

        Args:
          number: Which night; version `100 + number` is pushed if it is blessed.
          blessed: Whether ModelGate blessed the model.
          base: The model that the training started from.
          pushed: Whether the version was pushed, or waits.
        """
        with metadata.Metadata(self._connection) as handle:
            own = context_lib.register_context_if_not_exists(handle, "pipeline", "digits")
            start = datetime.datetime(2024, 1, 1, 3, 0, 5) + datetime.timedelta(days=number)
            # Earlier versions recorded the time; since then, the id of the run.
            recorded = roots.run_id(number) if number % 2 else start.isoformat()
            run = context_lib.register_context_if_not_exists(handle, "pipeline_run", recorded)
            self._handle, self._contexts = handle, [own, run]
            made = self._steps(number, blessed, base, pushed)
        status = ("pushed" if pushed else "held") if blessed else "not_blessed"
        version = f"/runs/serving/digits/{100 + number}" if blessed else None
        summary = roots.summary(number, status=status, pushed_model=version)
        folder = roots.archive(Path(self.config.root), "digits", summary, report=True)
        (folder / "task.json").write_text("{}")
        logs = Path(self.config.folder, "logs")
        logs.mkdir(exist_ok=True)
        (logs / f"{roots.run_id(number)}.log").write_text("x" * _BYTES)
        return made

    def _steps(self, number: int, blessed: bool, base: Any, pushed: bool) -> dict[str, Any]:
        a = standard_artifacts
        raw = self._step("ImageExampleGen", {}, {"examples": a.Examples()})
        counted = self._step("StatisticsGen", raw, {"statistics": a.ExampleStatistics()})
        pixels = self._step(
            "Transform",
            raw,
            {"transformed_examples": a.Examples(), "transform_graph": a.TransformGraph()},
        )
        read = {"examples": pixels["transformed_examples"], "graph": pixels["transform_graph"]}
        if base is not None:
            read["base_model"] = base
        trained = self._step("Trainer", read, {"model": a.Model(), "model_run": a.ModelRun()})
        model = {"model": trained["model"]}
        evaluated = self._step(
            "ImageEvaluator", {**model, **raw}, {"evaluation": a.ModelEvaluation()}
        )
        blessing = a.ModelBlessing()
        blessing.set_int_custom_property("blessed", int(blessed))
        blessing.set_int_custom_property("current_model_id", trained["model"].id)
        judged = self._step("ModelGate", evaluated, {"blessing": blessing})
        copy = a.PushedModel()
        if blessed and pushed:
            copy.set_string_custom_property("pushed_version", str(100 + number))
            self.serve(100 + number)
        copied = self._step("Pusher", {**model, **judged}, {"pushed_model": copy})
        self._step("Report", evaluated, {"report": a.HyperParameters()})
        return {**raw, **counted, **pixels, **trained, **evaluated, **judged, **copied}

    def _step(self, node: str, read: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
        execution = execution_lib.prepare_execution(
            self._handle, metadata_store_pb2.ExecutionType(name=node), _STATES.COMPLETE
        )
        execution = execution_lib.put_execution(self._handle, execution, self._contexts)
        for key, artifact in written.items():
            artifact.uri = os.path.join(self.config.artifacts_folder, node, key, str(execution.id))
            artifact.state = "published"
            os.makedirs(artifact.uri)
            Path(artifact.uri, "file").write_bytes(b"x" * _BYTES)
        temporary = Path(self.config.artifacts_folder, node, ".system", "executor_execution")
        (temporary / str(execution.id)).mkdir(parents=True)
        execution_lib.put_execution(
            self._handle,
            execution,
            self._contexts,
            input_artifacts={key: [artifact] for key, artifact in read.items()},
            output_artifacts={key: [artifact] for key, artifact in written.items()},
        )
        return written

    def serve(self, version: int, beside: str = "") -> Path:
        """Puts the files of a version into the serving folder, or into one beside."""
        folder = Path(self.config.serving_folder, beside, str(version))
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"x")
        return folder

    def live(self) -> set[str]:
        """Returns the URIs of the artifacts that the metadata store believes to be there."""
        with metadata.Metadata(self._connection) as handle:
            known = handle.store.get_artifacts()
        return {a.uri for a in known if a.state == metadata_store_pb2.Artifact.LIVE}

    def there(self) -> set[str]:
        """Returns the folders of artifacts that exist."""
        below = Path(self.config.artifacts_folder).glob("*/*/*")
        return {str(path) for path in below if path.name.isdigit() and ".system" not in str(path)}
