"""Writing the record of versions, one process at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher import recording, releases
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]


def test_one_process_at_a_time_changes_a_folder(tmp_path: Path) -> None:
    program = (
        "import sys, time; from components.pusher import recording, releases\n"
        "with recording.locked(sys.argv[1]):\n"
        "    recording.append(sys.argv[1], releases.Event(event='pushed', version='1'))\n"
        "    print('in', flush=True); time.sleep(1); "
        "recording.append(sys.argv[1], releases.Event(event='withdrawn', version='1'))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "in\n"
        with recording.locked(str(tmp_path)):
            assert [e.event for e in releases.read(str(tmp_path)).events][-1] == "withdrawn"


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (
        pytest.raises(BadInputError, match=r"cannot be written to"),
        recording.locked(os.fspath(tmp_path / "file")),
    ):
        pass


def test_a_record_in_a_bucket_is_rewritten_as_a_whole(tmp_path: Path) -> None:
    """TensorFlow's in-memory file system stands for any that has no local calls."""
    import tensorflow as tf

    folder = f"ram://{tmp_path.name}/serving"
    recording.append(folder, releases.Event(event="pushed", version="1"))
    with tf.io.gfile.GFile(f"{folder}/releases.jsonl", "ab") as file:
        file.write(b'{"torn')
    with recording.locked(folder):
        recording.append(folder, releases.Event(event="withdrawn", version="1"))
    assert [e.event for e in releases.read(folder).events] == ["pushed", "withdrawn"]
