"""Batch inference against a plain loop that feeds the same SavedModel from tf.data.

    .venv/bin/python benchmarks/batch_inference.py --model runs/serving/flowers --data FOLDER

Both are processes of their own, taken in turns, and predict the same images on the same cores.
Counted is the time from the first image on, start-up aside; the whole time is shown too.
Target: at least 0.8 of the loop's images per second.
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

PLAIN = """
import csv, sys, time
sys.path.insert(0, ".")
from trainer_modules.engine import tensorflow_alone
tensorflow_alone.refuse()
import tensorflow as tf
from components.bulk_predict import inputs
from trainer_modules.engine.saved_model import read
folder, data, output, size = sys.argv[1:]
folder = read.newest(folder)
loaded = tf.saved_model.load(folder)
serve = loaded.signatures["serving_default"]
files = [f for chunk in inputs.chunks(data, inputs.Keys()) for f in chunk.files]
names, paths = zip(*files)
begin = time.monotonic()
batches = (tf.data.Dataset.from_tensor_slices(list(paths))
    .map(tf.io.read_file, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    .batch(int(size)).prefetch(tf.data.AUTOTUNE))
with open(output, "w", newline="") as f:
    out, at = csv.writer(f), 0
    out.writerow(["id", "label", "score"])
    for batch in batches:
        found = serve(image_bytes=batch)
        for label, score in zip(found["label"].numpy(), found["score"].numpy()):
            out.writerow([names[at], label.decode(), float(score)])
            at += 1
print(len(names) / (time.monotonic() - begin))
"""

BULK = """
import sys, time
sys.path.insert(0, ".")
from trainer_modules.engine import tensorflow_alone
tensorflow_alone.refuse()
from components.bulk_predict import run
from components.bulk_predict.inputs import Keys
from pipelines.config import RunConfig
folder, data, output, size = sys.argv[1:]
begin = []
outcome = run.predict(model_folder=folder, data=data, output=output, keys=Keys(),
    columns="id,label,score", batch_size=int(size), beam_args=RunConfig().beam_args,
    started=lambda parts, count: begin.append(time.monotonic()))
print(outcome.rows / (time.monotonic() - begin[0]))
"""


def measure(program: str, arguments: list[str]) -> tuple[float, float]:
    """Returns (images per second, seconds of the whole process)."""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout.split()[-1]), time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--batch-size", default="64")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"tf.data loop": [], "bulk_predict": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.repeat):
            for name, program in zip(found, (PLAIN, BULK), strict=True):
                output = f"{folder}/{name.split()[0]}.csv"
                given = [os.path.abspath(args.model), os.path.abspath(args.data), output]
                found[name].append(measure(program, [*given, args.batch_size]))
        same = len({tuple(r[:2] for r in _rows(f"{folder}/{n.split()[0]}.csv")) for n in found})
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores")
    speed = {name: statistics.median(s for s, _ in values) for name, values in found.items()}
    for name, values in found.items():
        each = ", ".join(f"{s:.0f}" for s, _ in values)
        whole = statistics.median(w for _, w in values)
        print(f"{name:<13} {speed[name]:7.1f} images/s ({each})   whole process {whole:.1f} s")
    print(f"same ids and labels: {same == 1}")
    print(f"ratio {speed['bulk_predict'] / speed['tf.data loop']:.2f}   target 0.80")


def _rows(path: str) -> list[tuple[str, ...]]:
    return [tuple(line.split(",")) for line in Path(path).read_text().splitlines()]


if __name__ == "__main__":
    main()
