"""The whole digits job against a plain Keras script of the same training and export.

    .venv/bin/python benchmarks/digits_job.py [--repeat 3]

Each is a process of its own, taken in turns. Targets: cold at most 2.5 times the plain script;
fully cached at most 1.3 times importing what it needs.
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
import os, sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np, tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tf_keras import layers, Sequential
digits = load_digits()
x, x_test, y, y_test = train_test_split(
    digits.images[..., None] / 16, digits.target, test_size=0.33, random_state=0)
model = Sequential([layers.Flatten(input_shape=(8, 8, 1)), layers.Dense(256, activation="relu"),
                    layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(100).batch(64)
held_out = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(64)
model.fit(data, epochs=60, validation_data=held_out, verbose=0)
print("accuracy", (model.predict(x_test, verbose=0).argmax(1) == y_test).mean())
model.export(sys.argv[1]) if hasattr(model, "export") else tf.saved_model.save(model, sys.argv[1])
"""

IMPORTS = """
from pipelines import startup
startup.prepare()
import pipelines.image_pipeline, pipelines.local.runner, pipelines.local.lineage
"""


def seconds(command: list[str]) -> float:
    """Returns the wall time of a process; its output is kept for the error message only."""
    begin = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in ("plain", "cold", "imports", "cached")}
    for _ in range(args.repeat):
        with tempfile.TemporaryDirectory() as folder:
            job = [sys.executable, "pipelines/run_local.py", "--root", f"{folder}/runs"]
            times["plain"].append(seconds([sys.executable, "-c", PLAIN, f"{folder}/model"]))
            times["cold"].append(seconds(job))
            times["imports"].append(seconds([sys.executable, "-c", IMPORTS]))
            times["cached"].append(seconds(job))
    median = {name: statistics.median(found) for name, found in times.items()}
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores")
    for name, found in times.items():
        print(f"{name:<8} {median[name]:6.1f} s   ({', '.join(f'{s:.1f}' for s in found)})")
    print(f"cold / plain      {median['cold'] / median['plain']:.2f}   target 2.50")
    print(f"cached / imports  {median['cached'] / median['imports']:.2f}   target 1.30")


if __name__ == "__main__":
    main()
