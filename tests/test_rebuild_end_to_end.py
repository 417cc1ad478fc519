"""Versions of digits that differ in their seed, each made again from its data: equal bit by bit.

`REBUILDS=10` makes as many versions as that.
"""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "pipelines/run_local.py", "--root", str(root), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def _without_the_first(records: bytes) -> bytes:
    """Returns a TFRecord file without its first record: length, checksum, contents, checksum."""
    (length,) = struct.unpack("<Q", records[:8])
    return records[8 + 4 + length + 4 :]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_rebuilt_version_has_the_weights_of_the_first(tmp_path: Path) -> None:
    count = int(os.environ.get("REBUILDS", "2"))
    for seed in range(count):
        settings = ("--set", f"train.seed={seed}", "--set", "gates=()")
        done = _run(tmp_path, *settings)
        assert done.returncode == 0, done.stdout
    versions = sorted(p.name for p in (tmp_path / "serving/digits").iterdir() if p.name.isdigit())
    assert len(versions) == count
    for seed, version in enumerate(versions):
        told = json.loads(_run(tmp_path, "--lineage", version, "--json").stdout)
        assert told["settings"]["train"]["seed"] == seed
        assert told["metrics"]["accuracy"] > 0.9
        assert json.loads(told["run"]["options"])["settings"][0] == f"train.seed={seed}"
        assert told["run"]["lock_sha256"] and told["fingerprint"]
        again = _run(tmp_path, "--rebuild", version)
        assert again.returncode == 0, again.stdout + again.stderr
        assert "data     read again" in again.stdout and "equal" in again.stdout

    # One example less: what was stored is taken, said, and gives the same model.
    (shard,) = (tmp_path / "data").rglob("train-00000-of-00001")
    shard.write_bytes(_without_the_first(shard.read_bytes()))
    again = _run(tmp_path, "--rebuild", versions[-1])
    assert again.returncode == 0, again.stdout
    assert "as stored" in again.stdout and "differs  the data" in again.stdout


def test_what_is_no_version_is_bad_input(tmp_path: Path) -> None:
    for option in ("--lineage", "--rebuild"):
        done = _run(tmp_path, option, "17")
        assert done.returncode == 2 and "must be a version" in done.stderr
    done = _run(tmp_path, "--trained-on", "3")
    assert done.returncode == 2 and "no run has noted a lineage" in done.stderr
