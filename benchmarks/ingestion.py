"""Ingestion of photographs in each format against decoding them with Pillow, on one core each.

    .venv/bin/python benchmarks/ingestion.py [--images 400] [--data FOLDER]

The processor's seconds are compared, start-up apart: half of the images are subtracted from all.
"""

import argparse
import datetime
import io
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)

from pipelines import startup

startup.prepare()

import apache_beam as beam
import numpy as np
import pillow_heif
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image as Pillow

from components.example_gen import executor, summary
from components.example_gen.readers.layouts import reader_for
from pipelines.config import RunConfig
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import ImageFolders

FORMATS = {"JPEG": "jpg", "PNG": "png", "PPM": "ppm", "TIFF": "tif", "HEIF": "heic", "AVIF": "avif"}
PROBLEM = Classification(classes=("a", "b"))


def photographs(count: int, folder: str | None) -> list[Pillow.Image]:
    """Returns pictures of 500 x 375: real ones resized if given, else smooth noise with detail."""
    paths = sorted(Path(folder).rglob("*.jpg"))[:count] if folder else []
    if paths:
        found = [Pillow.open(p).convert("RGB").resize((500, 375)) for p in paths]
        for picture in found:
            picture.info = {}  # TensorFlow warns of many a colour profile.
        return found
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(count)]
    return [Pillow.fromarray(c).resize((500, 375), Pillow.Resampling.BICUBIC) for c in coarse]


def write(pictures: list[Pillow.Image], form: str, root: Path) -> None:
    """Writes class folders, in two split folders."""
    for i, picture in enumerate(pictures):
        folder = root / ("valid" if i % 5 == 0 else "train") / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{i}.{FORMATS[form]}", form)


def ingest(root: Path, work: Path) -> float:
    """Returns the processor's seconds of an ingestion that rejects nothing."""
    reader = reader_for(str(root), ImageFolders(), PROBLEM)
    folders = {split: str(work / split) for split in reader.splits}
    begin = time.process_time()
    with beam.Pipeline(options=PipelineOptions(RunConfig().beam_args)) as pipeline:
        parts = executor.ingest(
            pipeline, reader, PROBLEM, work=str(work / "parts"), folders=folders
        )
    seconds = time.process_time() - begin
    found = summary.gather(str(work / "parts"), parts, reader.splits, str(work))
    assert not found["rejected"], found
    return seconds


def decode(root: Path) -> float:
    """Returns the processor's seconds of reading and decoding with Pillow."""
    begin = time.process_time()
    for path in root.rglob("*.*"):
        Pillow.open(io.BytesIO(path.read_bytes())).convert("RGB").load()
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--data", help="folder of JPEGs to resize to 500 x 375 and use")
    args = parser.parse_args()
    pillow_heif.register_heif_opener()
    pictures = photographs(args.images, args.data)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{datetime.date.today()}  {machine}, {len(pictures)} images")
    for form in FORMATS:
        with tempfile.TemporaryDirectory() as place:
            half, whole = Path(place) / "half", Path(place) / "whole"
            write(pictures[: len(pictures) // 2], form, half)
            write(pictures, form, whole)
            times = {}
            for root in (half, half, whole):  # the first warms up
                with tempfile.TemporaryDirectory() as work:
                    times[root] = ingest(root, Path(work))
            count = len(pictures) - len(pictures) // 2
            ours = (times[whole] - times[half]) / count
            plain = decode(whole) / len(pictures)
        print(
            f"{form:<5} {1e3 * ours:6.2f} ms an image, Pillow's decoding {1e3 * plain:6.2f} ms   "
            f"ratio {ours / plain:.2f}"
        )


if __name__ == "__main__":
    main()
