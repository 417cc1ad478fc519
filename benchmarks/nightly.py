"""What a night costs when 5 % of the images are new, before anything is trained.

    .venv/bin/python benchmarks/nightly.py [--images 2000 8000 32000] [--layouts folder spans]

For each number of images and each layout (a folder that grows; `span-{SPAN}` folders, all of them
trained on) it runs a full first night, a night with 5 % more images, and the same command again,
and prints the seconds of every step before Trainer. Goal: the second night costs at most 10 % of
the first plus the start-up, which is the time of the same steps on 40 images.
"""

import argparse
import datetime
import io
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
CLASSES = ("a", "b", "c", "d")
_SIZE = 96
_SPANS = 10
_ALMOST_NONE = 40
_SHARE = 0.05
_TASK = '''"""A network that is trained in no time: what comes before it is measured."""

from trainer_modules.api import (
    Classification, Dense, Flatten, ImageFolders, Images, Network, Phase, Task, entry_points,
)

TASK = Task(
    name="nights",
    source=ImageFolders(),
    problem=Classification(),
    input=Images(height=64, width=64),
    model=Network(layers=(Flatten(), Dense(8, "relu"))),
    phases=(Phase(epochs=1, learning_rate=1e-3),),
)

preprocessing_fn, run_fn = entry_points(TASK)
'''


@dataclass(frozen=True)
class Night:
    """One run.

    Attributes:
      status: As in `summary.json`.
      whole: Seconds of the process.
      steps: Seconds of each step before Trainer.
    """

    status: str
    whole: float
    steps: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds of all steps before Trainer."""
        return sum(self.steps.values())


def main() -> None:
    """Prints a table for each number of images and layout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[2_000, 8_000, 32_000])
    parser.add_argument(
        "--layouts", nargs="+", default=["folder", "spans"], choices=["folder", "spans"]
    )
    given = parser.parse_args()
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for layout in given.layouts:
            startup = compare(folder / layout / "startup", layout, _ALMOST_NONE)[0]
            print(f"\n{layout}: start-up {startup.total:.1f} s  {_words(startup.steps)}")
            for count in given.images:
                report(compare(folder / layout / str(count), layout, count), count, startup)


def compare(folder: Path, layout: str, count: int) -> tuple[Night, Night, Night]:
    """Returns the first night, the one with new images, and the same again."""
    data = folder / "data"
    new = max(1, int(count * _SHARE))
    spans = _SPANS if layout == "spans" else 0
    for number, first, last in _deliveries(count, spans):
        write(data / f"span-{number}" if spans else data, first, last)
    first_night = run(data, folder / "root", spans)
    write(data / f"span-{_SPANS + 1}" if spans else data, count, count + new)
    return first_night, run(data, folder / "root", spans), run(data, folder / "root", spans)


def _deliveries(count: int, spans: int) -> list[tuple[int, int, int]]:
    """Returns (number, first image, end) of each span, or of the folder."""
    edges = np.linspace(0, count, max(spans, 1) + 1).astype(int)
    return [(n + 1, int(a), int(b)) for n, (a, b) in enumerate(itertools.pairwise(edges))]


def write(folder: Path, first: int, end: int) -> None:
    """Writes images `first` to `end` in class folders, every fourth a PNG; always the same ones."""
    for index in range(first, end):
        rng = np.random.default_rng(index)
        name = CLASSES[index % len(CLASSES)]
        coarse = rng.integers(0, 200, (8, 8, 3), dtype=np.uint8)
        coarse[..., 0] //= 1 + index % len(CLASSES)  # something to learn
        picture = Image.fromarray(coarse).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC)
        png = index // len(CLASSES) % 4 == 0
        out = io.BytesIO()
        picture.save(out, *(["PNG"] if png else ["JPEG"]), **({} if png else {"quality": 90}))
        place = folder / name / f"{index:06d}.{'png' if png else 'jpg'}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(out.getvalue())


def run(data: Path, root: Path, spans: int) -> Night:
    """Runs the pipeline as cron would, with a small network and a single epoch."""
    place = [f"{data}/span-{{SPAN}}", "--window", "all"] if spans else [str(data)]
    root.mkdir(parents=True, exist_ok=True)
    task = root.parent / "nights.py"
    task.write_text(_TASK)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(ROOT / "pipelines/run_local.py")]
        + ["--task", str(task), "--root", str(root), "--data", *place],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    whole = time.monotonic() - started
    if done.returncode not in (0, 3):
        raise SystemExit(
            f"exit code {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
    summary = json.loads((root / "nights/summary.json").read_text())
    seconds = summary["seconds"]
    names = list(seconds)
    before = names[: names.index("Trainer")] if "Trainer" in names else []
    return Night(summary["status"], whole, {name: seconds[name] for name in before})


def report(nights: tuple[Night, Night, Night], count: int, startup: Night) -> None:
    """Prints the three nights and whether the goal is met."""
    first, second, again = nights
    allowed = 0.1 * first.total + startup.total
    share = max(0.0, second.total - startup.total) / first.total
    verdict = "met" if second.total <= allowed else "MISSED"
    print(f"{count} images")
    print(f"  first night   {first.total:7.1f} s  {_words(first.steps)}")
    print(f"  5 % new       {second.total:7.1f} s  {_words(second.steps)}")
    print(f"  above start-up {share:5.1%} of the first night; allowed {allowed:.1f} s: {verdict}")
    print(f"  the same again {again.whole:6.1f} s, {again.status}", flush=True)


def _words(steps: dict[str, float]) -> str:
    shown = {name: value for name, value in steps.items() if value >= 0.05}
    return ", ".join(f"{name} {value:.1f}" for name, value in shown.items())


if __name__ == "__main__":
    main()
