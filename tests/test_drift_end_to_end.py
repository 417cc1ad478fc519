"""A night whose camera is broken ends before training; the night before it went through."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

ROOT = Path(__file__).parent.parent
# A small job that is judged by nothing.
SMALL = (
    *("--set", 'model={"type": "Network", "layers": [{"type": "Flatten"}]}', "--set", "gates=()"),
    *("--set", "input.height=8", "--set", "input.width=8", "--set", "train.batch_size=8"),
    *("--set", 'phases=[{"type": "Phase", "epochs": 2}]'),
)


def _span(folder: Path, seed: int, size: tuple[int, int] = (40, 48)) -> None:
    """Bright and dark pictures, 30 of each; every second one of `size`."""
    for name, level in (("bright", 150), ("dark", 20)):
        (folder / name).mkdir(parents=True)
        for i in range(30):
            shape = size if i % 2 else (40, 48)
            noise = np.random.default_rng([seed, level, i]).integers(0, 80, (*shape, 3))
            Pillow.fromarray((level + noise).astype(np.uint8)).save(folder / name / f"{i}.png")


def _night(root: Path, data: str, *options: str) -> tuple[int, dict[str, Any], str]:
    command = [
        sys.executable,
        "pipelines/run_local.py",
        "--task",
        "image_folder",
        "--window",
        "all",
    ]
    done = subprocess.run(
        [*command, "--data", data, "--root", str(root), *SMALL, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    summary = json.loads((root / "image_folder" / "summary.json").read_text())
    return done.returncode, summary, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_broken_camera_stops_the_night_before_training(tmp_path: Path) -> None:
    photos, root = tmp_path / "photos", tmp_path / "runs"
    data = str(photos / "span-{SPAN}")
    for number in (1, 2):
        _span(photos / f"span-{number}", number)
    code, first, out = _night(root, data, "--on-drift", "stop")
    assert (code, first["status"]) == (0, "pushed"), out
    assert (first["drift"]["status"], first["drift"]["findings"]) == ("none", [])
    assert first["drift"]["notes"] == ["no champion is known"]
    assert '<section id="drift">' in Path(first["report"]).read_text()

    _span(photos / "span-3", 3, size=(96, 128))
    code, second, out = _night(root, data, "--on-drift", "stop")
    assert (code, second["drift"]["status"]) == (2, "stopped"), out
    told = {one["what"] for one in second["drift"]["findings"]}
    assert told >= {"height", "width"}
    assert "height of the newest span 'span-3' against the 2 other spans" in second["error"]
    assert "Transform" not in second["ran"] and "--on-drift warn" in out
    # Its features were compared with those of the champion's data as well.
    assert second["drift"]["notes"] == []
