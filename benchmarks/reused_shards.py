"""StatisticsGen and Transform alone: a first night, and one with 5 % new images in a new shard.

    .venv/bin/python benchmarks/reused_shards.py [--images 2000 8000]

Raw Examples lie in shards of a thousand, as ImageExampleGen writes them; images are 96 × 96 JPEGs
and PNGs (`nightly.py`). Start-up is the time on 40 images.
"""

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path[:1] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from pipelines import startup

startup.prepare()

import nightly
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.data_validation.statistics import Executor as StatisticsExecutor
from components.transform.component import Executor as TransformExecutor
from pipelines import tasks
from pipelines.config import RunConfig
from trainer_modules import flowers
from trainer_modules.engine.task import overrides

_SHARD = 1000


def main() -> None:
    """Prints the seconds of both steps in both nights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[2_000, 8_000])
    given = parser.parse_args()
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores")
    print(f"{'images':>8} {'step':<14} {'first':>8} {'5 % new':>8} {'share':>7}")
    with tempfile.TemporaryDirectory() as scratch:
        nights(Path(scratch) / "warm", 40)  # imports and the first trace are not counted
        least = nights(Path(scratch) / "startup", 40)[0]
        for count in given.images:
            first, second = nights(Path(scratch) / str(count), count)
            for step, seconds in first.items():
                share = max(0.0, second[step] - least[step]) / seconds
                print(f"{count:>8} {step:<14} {seconds:8.1f} {second[step]:8.1f} {share:7.1%}")
    print(f"start-up: {', '.join(f'{step} {s:.1f} s' for step, s in least.items())}")


def nights(folder: Path, count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the seconds of each step in the first night and in the one with new images."""
    raw = folder / "raw"
    for first in range(0, count, _SHARD):
        write_shard(raw, first, min(count, first + _SHARD))
    before = run(raw, folder / "first", folder / "store")
    write_shard(raw, count, count + max(1, count // 20))
    return before, run(raw, folder / "second", folder / "store")


def write_shard(raw: Path, first: int, end: int) -> None:
    """Writes images `first` to `end` as a shard of each split."""
    images = raw.parent / "images"
    nightly.write(images, first, end)
    files = sorted(images.glob("*/*"), key=lambda path: path.name)
    for split, chosen in (
        ("train", files[: -len(files) // 5]),
        ("eval", files[-len(files) // 5 :]),
    ):
        place = raw / f"Split-{split}"
        place.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(place / f"data_tfrecord-{first:016x}")) as writer:
            for file in chosen:
                writer.write(_example(file))
    for file in files:
        file.unlink()


def _example(file: Path) -> bytes:
    example = tf.train.Example()
    feature = example.features.feature
    for name, text in (
        *(("image", file.read_bytes()), ("id", file.name.encode()), ("label", b"roses")),
        ("format", b"PNG" if file.suffix == ".png" else b"JPEG"),
    ):
        feature[name].bytes_list.value.append(text)
    for name, number in (("height", 96), ("width", 96), ("channels", 3)):
        feature[name].int64_list.value.append(number)
    feature["brightness"].float_list.value.append(0.5)
    return bytes(example.SerializeToString())


def run(raw: Path, out: Path, store: Path) -> dict[str, float]:
    """Returns the seconds of the two executors."""
    examples, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    statistics = standard_artifacts.ExampleStatistics()
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    examples.uri, schema.uri = str(raw), str(out / "schema")
    statistics.uri = str(out / "statistics")
    graph.uri, transformed.uri = str(out / "graph"), str(out / "transformed")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    reviewed = tasks.schema(flowers.TASK)
    (out / "schema").mkdir(parents=True)
    (out / "schema" / "schema.pbtxt").write_text(text_format.MessageToString(reviewed))
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=RunConfig().beam_args, tmp_dir=str(out / "tmp"), unique_id="0"
    )
    task = overrides.apply(flowers.TASK, ["input.height=64", "input.width=64"])
    config = {k: overrides.to_json(getattr(task, k)) for k in ("input", "problem")}
    started = time.monotonic()
    StatisticsExecutor(context).Do(
        {"examples": [examples]},
        {"statistics": [statistics]},
        {
            "stats_options_json": tfdv.StatsOptions(schema=reviewed).to_json(),
            "store": str(store / "statistics"),
        },
    )
    between = time.monotonic()
    TransformExecutor(context).Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        {
            "preprocessing_fn": "trainer_modules.flowers.preprocessing_fn",
            "custom_config": json.dumps(config | {"store": str(store / "transform")}),
            "splits_config": proto_utils.proto_to_json(
                transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"])
            ),
            "disable_statistics": 1,
            "force_tf_compat_v1": 0,
        },
    )
    return {"StatisticsGen": between - started, "Transform": time.monotonic() - between}


if __name__ == "__main__":
    main()
