"""Night after night of ImageExampleGen, driver and executor, as TFX runs them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.components.example_gen.conftest import component, encoded, picture, write
from trainer_modules.engine.task.sources import HashSplit, ImageFolders

SPLIT = ImageFolders(splits=HashSplit(eval=0.3, test=0.2))


@dataclass(frozen=True)
class Night:
    """What one night made: the examples by split, the lists, and which shards it has."""

    examples: dict[str, dict[str, bytes]]
    rejected: dict[str, str]
    duplicates: dict[str, str]
    summary: dict[str, Any]
    spans: list[dict[str, Any]]
    shards: dict[str, int]
    folder: Path

    @property
    def answer(self) -> tuple[Any, ...]:
        """All that must not depend on what earlier nights have read."""
        summary = {k: v for k, v in self.summary.items() if k not in ("duplicates", "converted")}
        return self.examples, self.rejected, self.duplicates, summary, self.spans


def run_night(
    data: str, output: Path, store: str = "", *, source: Any = SPLIT, **options: str
) -> Night:
    """Runs driver and executor as TFX does."""
    import tensorflow as tf
    from tfx.types import artifact_utils, standard_artifacts

    from components.example_gen.artifacts import RejectedExamples
    from components.example_gen.driver import Driver
    from components.example_gen.executor import Executor

    node = component(data, source)
    properties = {**node.exec_properties, "store": store, **options}
    properties = Driver(None).resolve_exec_properties(properties, None, None)
    examples, rejected = standard_artifacts.Examples(), RejectedExamples()
    examples.uri, rejected.uri = str(output / "examples"), str(output / "rejected")
    runner = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    context = Executor.Context(beam_pipeline_args=[runner, "--sdk_container_image=local"])
    Executor(context).Do({}, {"examples": [examples], "rejected": [rejected]}, properties)
    rows: dict[str, dict[str, bytes]] = {}
    shards: dict[str, int] = {}
    for split in artifact_utils.decode_split_names(examples.split_names):
        files = sorted(Path(artifact_utils.get_split_uri([examples], split)).iterdir())
        rows[split] = {}
        for file in files:
            shards[f"{split}/{file.name}"] = file.stat().st_ino
            for record in tf.data.TFRecordDataset([str(file)]).as_numpy_iterator():
                example = tf.train.Example.FromString(record)
                (name,) = example.features.feature["id"].bytes_list.value
                assert name.decode() not in rows[split], "an id twice"
                rows[split][name.decode()] = hashlib.sha256(record).digest()
    lines = (output / "rejected" / "rejected.jsonl").read_text().splitlines()
    summary = json.loads((output / "rejected" / "summary.json").read_text())
    night = Night(
        examples=rows,
        rejected={row["id"]: row["reason"] for row in map(json.loads, lines)},
        duplicates={row["id"]: row["kept"] for row in summary["duplicates"]["listed"]},
        summary=summary,
        spans=json.loads((output / "rejected" / "spans.json").read_text()),
        shards=shards,
        folder=output,
    )
    check_records(night)
    return night


def check_records(night: Night) -> None:
    """The table of records says what the shards hold."""
    table = pq.read_table(night.folder / "rejected" / "records").to_pylist()
    own = {s: set(rows) for s, rows in night.examples.items()}
    spans = {span["span"] for span in night.spans}
    if len({row["split"] for row in table} & {"judged"}) == 0:
        own.pop("judged", None)
    listed: dict[str, set[str]] = {split: set() for split in own}
    for row in table:
        listed[row["split"]].add(row["id"])
        assert f"{row['split']}/{row['shard']}" in night.shards
        assert row["span"] in spans or row["split"] == "judged"
        assert row["id"].startswith(row["span"]) and len(row["digest"]) == 32
        assert row["height"] and row["width"] and row["channels"] == 3 and row["format"] == "PNG"
        assert 0 <= row["brightness"] <= 1
    assert listed == own


def pets(root: Path, first: int, last: int) -> None:
    for i in range(first, last):
        write(root / ("cat" if i % 2 else "dog") / f"{i}.png", encoded(picture(i)))
