"""Offers an inferred schema for review: where it is, where it belongs, and what has changed.

A person reviews it once and puts it beside the task's file; until then every run infers its own,
and could not notice that the data has changed. So each is compared with the one before.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.config import RunConfig
from pipelines.local import archive
from pipelines.local.runner import NodeResult
from pipelines.task_files import spelling

_INFERRED = "InferredSchema"
_HEADER = "# Inferred from the training split of run {run_id}; not reviewed by a person.\n"


def offered(config: RunConfig, *, run_id: str, results: Sequence[NodeResult]) -> dict[str, Any]:
    """Archives an inferred schema with its run; returns the `schema` of `summary.json`.

    Args:
      config: The run's.
      run_id: Names the run's folder in the archive.
      results: The components' results, as far as the run got.
    """
    beside = spelling.parse(config.task).schema_path
    if beside is None:
        return {}
    artifacts = [a for r in results if r.id == _INFERRED for a in r.outputs["schema"]]
    if not artifacts:
        return {"inferred": False, "path": str(beside)} if beside.exists() else {}
    runs = Path(config.folder, archive.RUNS)
    earlier = sorted(path for path in runs.glob(f"*/{beside.name}") if path.parent.name < run_id)
    target = runs / run_id / beside.name
    target.parent.mkdir(parents=True, exist_ok=True)
    text = Path(artifacts[0].uri, "schema.pbtxt").read_text(encoding="utf-8")
    target.write_text(_HEADER.format(run_id=run_id) + text, encoding="utf-8")
    return {
        "inferred": True,
        "path": str(target),
        "put_it_at": str(beside),
        "changes": _changes(earlier[-1], target) if earlier else [],
    }


def _changes(before: Path, after: Path) -> list[str]:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from components.data_validation import schema_changes

    old, new = (
        text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
        for path in (before, after)
    )
    return schema_changes.changes(old, new)
