"""Peak memory of a whole run at 1,000 and at 8,000 photographs of 500 x 375 pixels.

    .venv/bin/python benchmarks/memory.py [--images 1000 8000]

The images are read, checked, counted, resized to 224 x 224, trained on for one epoch with a small
network and judged. The Trainer's cache of decoded images is bounded to 64 MB, since it is meant to
grow to what it is given. Target: a ratio of at most 1.1.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

ROOT = Path(__file__).parent.parent
SETTINGS = (
    'model={"type": "engine.task.Network", "layers": [{"type": "engine.layers.MaxPool", '
    '"size": 16}, {"type": "engine.layers.Flatten"}]}',
    'phases=[{"type": "engine.task.Phase", "epochs": 1}]',
    "train.cache_megabytes=64",
    "train.best_metric=",
)


def write_photographs(count: int, folder: Path) -> None:
    """Writes `count` different JPEGs into two class folders."""
    rng = np.random.default_rng(0)
    for name in ("bright", "dark"):
        (folder / name).mkdir(parents=True)
    noise = rng.normal(0, 9, (375, 500, 3))
    for i in range(count):
        coarse = Pillow.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((500, 375), Pillow.Resampling.BICUBIC), np.float32)
        pixels = smooth * (0.4 if i % 2 else 1.0) + np.roll(noise, i, axis=0)
        picture = Pillow.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        picture.save(folder / ("dark" if i % 2 else "bright") / f"{i}.jpg", quality=90)


def run(count: int, place: Path) -> dict[str, int]:
    """Returns the peak megabytes of the process at the end of each component."""
    data, root = place / f"images-{count}", place / f"runs-{count}"
    write_photographs(count, data)
    command = [sys.executable, "pipelines/run_local.py", "--task", "image_folder"]
    command += ["--data", str(data), "--root", str(root)]
    for setting in SETTINGS:
        command += ["--set", setting]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stdout + done.stderr)
    summary = json.loads((root / "image_folder" / "summary.json").read_text())
    return summary["peak_megabytes"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, nargs=2, default=(1000, 8000))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        few, many = (run(count, Path(place)) for count in args.images)
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores")
    print(f"{'peak MB by the end of':<24}{args.images[0]:>8}{args.images[1]:>8}   ratio")
    for name in few:
        print(f"{name:<24}{few[name]:>8}{many[name]:>8}   {many[name] / few[name]:.2f}")
    print(f"whole run, ratio {max(many.values()) / max(few.values()):.2f}   target 1.10")


if __name__ == "__main__":
    main()
