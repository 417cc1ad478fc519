"""Transform on photographs against plain tf.data: decode, resize to 224 x 224, encode.

    .venv/bin/python benchmarks/transform.py [--images 4000] [--data FOLDER]

Steady state is the marginal rate between a quarter of the images and all of them, so that
start-up, reported apart, does not count. Target: 0.6 of tf.data's rate; 25 MB per 1,000 images.
"""

import argparse
import datetime
import io
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)

from pipelines import startup

startup.prepare()

import numpy as np
import tensorflow as tf
from PIL import Image as Pillow
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.transform.component import Executor
from pipelines.config import RunConfig
from trainer_modules import flowers
from trainer_modules.engine.task import overrides


def photographs(count: int, folder: str | None) -> list[bytes]:
    """Returns JPEGs of 500 x 375: real ones resized if given, else smooth noise with detail."""
    found = []
    paths = sorted(Path(folder).rglob("*.jpg"))[:400] if folder else []
    rng = np.random.default_rng(0)
    for i in range(min(count, len(paths) or 400)):
        if paths:
            picture = Pillow.open(paths[i]).convert("RGB").resize((500, 375))
        else:
            coarse = Pillow.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            smooth = np.asarray(coarse.resize((500, 375), Pillow.Resampling.BICUBIC), np.int16)
            noisy = smooth + rng.normal(0, 9, smooth.shape)
            picture = Pillow.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=90)
        found.append(out.getvalue())
    return [found[i % len(found)] for i in range(count)]


def write_examples(images: list[bytes], folder: Path) -> None:
    (folder / "Split-train").mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "Split-train" / "data-00000-of-00001")) as writer:
        for i, image in enumerate(images):
            bytes_of = {"image": image, "label": b"roses", "id": str(i).encode(), "format": b"JPEG"}
            feature = {
                k: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v]))
                for k, v in bytes_of.items()
            }
            for name, value in {"height": 375, "width": 500, "channels": 3}.items():
                feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
            feature["brightness"] = tf.train.Feature(float_list=tf.train.FloatList(value=[0.5]))
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def run_transform(examples_folder: Path, out: Path) -> float:
    """Returns the seconds that the Transform component's executor takes."""
    examples = standard_artifacts.Examples()
    examples.uri = str(examples_folder)
    examples.split_names = artifact_utils.encode_split_names(["train"])
    schema = standard_artifacts.Schema()
    schema.uri = "schemas/one"
    folder = out / "schema"
    folder.mkdir(parents=True)
    (folder / "schema.pbtxt").write_text(Path("schemas/flowers.pbtxt").read_text())
    schema.uri = str(folder)
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    graph.uri, transformed.uri = str(out / "graph"), str(out / "transformed")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=RunConfig().beam_args, tmp_dir=str(out / "tmp"), unique_id="0"
    )
    task = overrides.apply(flowers.TASK, ["input.height=224", "input.width=224"])
    begin = time.monotonic()
    Executor(context).Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        {
            "preprocessing_fn": "trainer_modules.flowers.preprocessing_fn",
            "custom_config": json.dumps(
                {k: overrides.to_json(getattr(task, k)) for k in ("input", "problem")}
            ),
            "splits_config": proto_utils.proto_to_json(
                transform_pb2.SplitsConfig(analyze=["train"], transform=["train"])
            ),
            "disable_statistics": 1,
            "force_tf_compat_v1": 0,
        },
    )
    return time.monotonic() - begin


def run_plain(examples_folder: Path) -> float:
    """Returns the seconds that plain tf.data takes with one thread per core."""
    begin = time.monotonic()

    @tf.autograph.experimental.do_not_convert
    def resized(record: tf.Tensor) -> tf.Tensor:
        spec = {"image": tf.io.FixedLenFeature([], tf.string)}
        contents = tf.io.parse_single_example(record, spec)["image"]
        pixels = tf.image.resize(tf.io.decode_jpeg(contents, channels=3), (224, 224))
        whole = tf.cast(tf.round(pixels), tf.uint8)
        return tf.io.encode_jpeg(whole, quality=95, chroma_downsampling=False)

    (shard,) = (examples_folder / "Split-train").iterdir()
    data = tf.data.TFRecordDataset(str(shard)).map(resized, num_parallel_calls=os.cpu_count())
    for _ in data.batch(64).prefetch(2):
        pass
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--data", help="folder of JPEGs to resize to 500 x 375 and use")
    args = parser.parse_args()
    images = photographs(args.images, args.data)
    some, every = args.images // 4, args.images
    times: dict[str, dict[int, float]] = {"transform": {}, "plain": {}}
    with tempfile.TemporaryDirectory() as root:
        for count in (some, every):
            write_examples(images[:count], Path(root) / f"raw-{count}")
            times["plain"][count] = run_plain(Path(root) / f"raw-{count}")
            out = Path(root) / f"out-{count}"
            times["transform"][count] = run_transform(Path(root) / f"raw-{count}", out)
        stored = sum(f.stat().st_size for f in (out / "transformed").rglob("*") if f.is_file())
    rate = {k: (every - some) / (t[every] - t[some]) for k, t in times.items()}
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores, {every} images")
    for name, t in times.items():
        fixed = t[every] - every / rate[name]
        print(
            f"{name:<10} {rate[name]:7.0f} images/s   fixed {fixed:5.1f} s   whole {t[every]:.1f} s"
        )
    print(f"transform / plain    {rate['transform'] / rate['plain']:.2f}   target 0.60")
    print(f"stored               {stored / every / 1e3:.1f} MB per 1,000   target 25")


if __name__ == "__main__":
    main()
