"""Runs ingestion over Beam as the executor does, and reads back what it wrote."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import HashSplit, ImageFolders

PETS = Classification(classes=("cat", "dog"))
# All but surely nothing falls into eval: a split without examples.
SOURCE = ImageFolders(splits=HashSplit(eval=1e-9))


@dataclass(frozen=True)
class Ingested:
    """What ingestion made of some data.

    Attributes:
      splits: Split → id → feature → value (bytes, int or float).
      order: Split → ids in the order of the files.
      rejected: Id → reason.
      summary: The artifact's summary.
    """

    splits: dict[str, dict[str, dict[str, Any]]]
    order: dict[str, list[str]]
    rejected: dict[str, str]
    summary: dict[str, Any]

    @property
    def examples(self) -> dict[str, dict[str, Any]]:
        return {i: e for examples in self.splits.values() for i, e in examples.items()}


def run_ingestion(
    root: Path, source: Any, problem: Any, work: Path, columns: tuple[str, ...] = ()
) -> Ingested:
    import apache_beam as beam
    import tensorflow as tf
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from components.example_gen import executor
    from components.example_gen.memory import Memory
    from components.example_gen.places import Place
    from components.example_gen.readers.layouts import reader_for

    read = (Place(reader=reader_for(str(root), source, problem, columns)),)
    folders = {split: str(work / f"Split-{split}") for split in read[0].splits}
    memory = Memory("")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        parts = executor.ingest(
            pipeline, read, problem, work=str(work / "parts"), folders=folders, memory=memory
        )
    found = executor.conclude(
        str(work / "parts"), parts, read, folder=str(work), folders=folders, memory=memory
    )
    splits: dict[str, dict[str, Any]] = {}
    order: dict[str, list[str]] = {}
    for split, folder in folders.items():
        files = sorted(Path(folder).iterdir())
        assert files, "TFX's readers want one, if only an empty one"
        records = tf.data.TFRecordDataset([str(f) for f in files]).as_numpy_iterator()
        rows = [parse(record) for record in records]
        order[split] = [row["id"].decode() for row in rows]
        splits[split] = dict(zip(order[split], rows, strict=True))
        assert len(splits[split]) == len(rows), "ids must be unique within a split"
    lines = (work / "rejected.jsonl").read_text().splitlines()
    rejected = {row["id"]: row["reason"] for row in map(json.loads, lines)}
    assert len(rejected) == len(lines) == found["rejected"]
    assert found == json.loads((work / "summary.json").read_text())
    assert found["counts"] == {split: len(rows) for split, rows in splits.items()}
    return Ingested(splits=splits, order=order, rejected=rejected, summary=found)


def ids(found: Ingested, split: str) -> set[str]:
    return set(found.splits[split])


def labels(found: Ingested) -> dict[str, str]:
    return {name: row["label"].decode() for name, row in found.examples.items()}


def parse(record: bytes) -> dict[str, Any]:
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    row = {}
    for name, feature in features.items():
        (row[name],) = getattr(feature, feature.WhichOneof("kind")).value
    return row


@pytest.fixture
def ingest(tfx_ready: None, tmp_path: Path) -> Callable[..., Ingested]:
    runs = iter(range(100))

    def run(root: Path, source: Any, problem: Any, columns: tuple[str, ...] = ()) -> Ingested:
        work = tmp_path / f"ingested-{next(runs)}"
        work.mkdir()
        return run_ingestion(root, source, problem, work, columns)

    return run


def picture(seed: int, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> Image.Image:
    """A smooth picture, another one for each seed; `size` is (width, height)."""
    small = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def write(path: Path, contents: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(contents, str):
        path.write_text(contents)
    else:
        path.write_bytes(contents)
    return path


def write_shard(path: Path, examples: list[dict[str, Any] | bytes], *, gzip: bool = False) -> Path:
    """Writes tf.train.Examples, or raw records where bytes are given."""
    import tensorflow as tf

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP" if gzip else "") as writer:
        for features in examples:
            if isinstance(features, bytes):
                writer.write(features)
                continue
            example = tf.train.Example()
            for name, value in features.items():
                feature = example.features.feature[name]
                for each in value if isinstance(value, list) else [value]:
                    if isinstance(each, bytes):
                        feature.bytes_list.value.append(each)
                    elif isinstance(each, int):
                        feature.int64_list.value.append(each)
                    else:
                        feature.float_list.value.append(each)
            writer.write(example.SerializeToString())
    return path


def component(data: Path | str, source=SOURCE):
    from components.example_gen.component import ImageExampleGen

    return ImageExampleGen(
        input_base=str(data),
        source=overrides.to_json(source),
        problem=overrides.to_json(PETS),
        code_fingerprint="1",
    )


def pets(root: Path, count: int = 3) -> Path:
    for i in range(count):
        write(root / ("cat" if i % 2 else "dog") / "deep" / "er" / f"{i}.png", encoded(picture(i)))
    return root


@pytest.fixture
def run(tmp_path: Path):
    """Runs the component in a pipeline with a cache; returns the new artifacts."""
    from tfx.orchestration import metadata
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.pipeline import Pipeline

    root = tmp_path / "pipeline"
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))

    def run_once(node) -> list[Path]:
        before = set(root.glob("ImageExampleGen/rejected/*"))
        pipeline = Pipeline(
            pipeline_name="p",
            pipeline_root=str(root),
            components=[node],
            enable_cache=True,
            metadata_connection_config=connection,
            beam_pipeline_args=[
                "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
            ],
        )
        LocalDagRunner().run(pipeline)
        return sorted(set(root.glob("ImageExampleGen/rejected/*")) - before)

    return run_once


def fingerprint_of(node) -> tuple[str, int, int | None, str]:
    """Runs the driver alone; returns fingerprint, span, version and the newest data root."""
    from components.example_gen.driver import Driver
    from components.example_gen.readers import storage
    from components.example_gen.root import given_spans

    properties = dict(node.exec_properties)
    found = Driver(None).resolve_exec_properties(properties, None, None)
    base, spans = given_spans(found)
    root = storage.join(base, spans[-1].folder)
    return found["input_fingerprint"], found["span"], found["version"], root


@pytest.fixture
def night(tmp_path: Path) -> Callable[..., Any]:
    """Runs a night over a data root, see `nights.run_night`; all share a store, or none is used."""
    from tests.components.example_gen import nights

    numbers = iter(range(1000))

    def run(data: Path | str, *, reuse: bool = True, **options: Any) -> nights.Night:
        store = str(tmp_path / "store") if reuse else ""
        output = tmp_path / f"night-{next(numbers)}"
        return nights.run_night(str(data), output, store, **options)

    return run
