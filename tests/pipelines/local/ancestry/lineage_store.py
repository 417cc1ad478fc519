"""A real ML Metadata store, in which a test notes executions and artifacts."""

import itertools
import json
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from pipelines.local import metadata_store

_IN, _OUT = pb.Event.INPUT, pb.Event.OUTPUT


class LineageStore:
    """Notes what runs would have noted.

    Args:
      folder: Where the store and the artifacts are kept.
    """

    def __init__(self, folder: Path) -> None:
        from ml_metadata.metadata_store.metadata_store import MetadataStore

        self.folder = folder
        self.path = str(folder / "metadata.sqlite")
        self.store = MetadataStore(metadata_store.connection(self.path))
        self._number = itertools.count()

    def artifact(self, kind: str) -> pb.Artifact:
        kind_id = self.store.put_artifact_type(pb.ArtifactType(name=kind))
        uri = self.folder / "artifacts" / f"{kind}-{next(self._number)}"
        uri.mkdir(parents=True)
        (made,) = self.store.put_artifacts([pb.Artifact(type_id=kind_id, uri=str(uri))])
        return self.store.get_artifacts_by_id([made])[0]

    def execution(
        self,
        kind: str,
        inputs: dict[str, pb.Artifact],
        outputs: dict[str, pb.Artifact],
        run: dict[str, str] | None = None,
        **properties: str,
    ) -> int:
        kind_id = self.store.put_execution_type(pb.ExecutionType(name=f"some.module.{kind}"))
        execution = pb.Execution(type_id=kind_id)
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        events = []
        for direction, artifacts in ((_IN, inputs), (_OUT, outputs)):
            for key, artifact in artifacts.items():
                event = pb.Event(artifact_id=artifact.id, type=direction)
                event.path.steps.add().key = key
                events.append((artifact, event))
        context_id = self.store.put_context_type(pb.ContextType(name="pipeline_run"))
        context = pb.Context(type_id=context_id, name=f"run-{next(self._number)}")
        for name, value in (run or {}).items():
            context.custom_properties[name].string_value = value
        number, _, _ = self.store.put_execution(execution, events, [context])
        return int(number)

    def model(
        self, spans: list[dict[str, Any]], *, start: pb.Artifact | None = None, **settings: Any
    ) -> pb.Artifact:
        """Notes reading, transforming, training and evaluating; returns Trainer's model."""
        examples, rejected = self.artifact("Examples"), self.artifact("RejectedExamples")
        Path(rejected.uri, "spans.json").write_text(json.dumps(spans))
        Path(rejected.uri, "summary.json").write_text('{"counts": {"train": 8}, "rejected": 1}')
        self.execution(
            "ImageExampleGen",
            {},
            {"examples": examples, "rejected": rejected},
            input_base="/data/span-{SPAN}",
            input_fingerprint="files:9",
        )
        transformed, graph = self.artifact("Examples"), self.artifact("TransformGraph")
        made = {"transformed_examples": transformed, "transform_graph": graph}
        self.execution("ImageTransform", {"examples": examples}, made)
        given = {"examples": transformed, "transform_graph": graph}
        if start:
            Path(start.uri, "Format-Serving").mkdir(exist_ok=True)
            given["base_model"] = start
        model = self.artifact("Model")
        self.execution(
            "Trainer",
            given,
            {"model": model},
            {"run_id": "20261121-030000-000"},
            custom_config=json.dumps({"task": json.dumps(settings)}),
        )
        evaluation = self.artifact("ModelEvaluation")
        Path(evaluation.uri, "report.json").write_text('{"metrics": {"accuracy": 0.5}}')
        self.execution("ImageEvaluator", {"model": model}, {"evaluation": evaluation})
        return model
