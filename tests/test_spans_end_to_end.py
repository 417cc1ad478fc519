"""Nights of one's own photographs in dated folders: the same again, then a new folder."""

import json
import subprocess
import sys
from pathlib import Path

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


def _photographs(folder: Path, form: str, night: int) -> None:
    """Bright and dark pictures, 20 of each, in a format that only Pillow reads."""
    for name, level in (("bright", 170), ("dark", 0)):
        (folder / name).mkdir(parents=True)
        for i in range(20):
            noise = np.random.default_rng([night, level, i]).integers(0, 80, (40, 48, 3))
            Pillow.fromarray((level + noise).astype(np.uint8)).save(
                folder / name / f"{i}.{form.lower()}", form
            )


def _night(root: Path, data: str) -> tuple[int, dict, str]:
    command = [sys.executable, "pipelines/run_local.py", "--task", "image_folder"]
    done = subprocess.run(
        [*command, "--data", data, "--root", str(root), *SMALL],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    summary = json.loads((root / "image_folder" / "summary.json").read_text())
    return done.returncode, summary, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_only_a_new_span_is_work(tmp_path: Path) -> None:
    data = str(tmp_path / "photos" / "{YYYY}-{MM}-{DD}")
    _photographs(tmp_path / "photos" / "2026-11-20", "PPM", 1)
    code, first, out = _night(tmp_path, data)
    assert (code, first["status"]) == (0, "pushed"), out
    assert first["counts"]["converted"] == 40 and "40 converted" in out
    assert "Converted to PNG" in Path(first["report"]).read_text()

    code, second, out = _night(tmp_path, data)
    assert (code, second["status"]) == (0, "nothing_new"), out
    assert {"ImageExampleGen", "Trainer"} <= set(second["cached"])

    _photographs(tmp_path / "photos" / "2026-11-21", "TIFF", 2)
    code, third, out = _night(tmp_path, data)
    assert (code, third["status"]) == (0, "pushed"), out
    assert not {"ImageExampleGen", "Trainer"} & set(third["cached"])
    assert sum(third["counts"][s] for s in ("train", "eval")) == 40
