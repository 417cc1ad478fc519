"""One process at a time in a folder of runs, between real processes and over a shared folder."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.local import locking
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]
_HOLD = """
import sys, time
from pipelines.local import locking
with locking.held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def _other_process(folder: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", _HOLD, str(folder), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def _record(folder: Path, *, age: float = 0, **changes: object) -> None:
    """Writes the record of another machine's process, whose last sign of life is `age` s ago."""
    record = dataclasses.asdict(locking._this_process()) | {
        **{"pid": 7, "host": "node-7", "machine": "another", "since": "2026-11-21T02:00:00+00:00"},
        **{"command": "run_local.py --task digits", "token": "another"},
        **changes,
    }
    path = folder / locking.HOLDER
    path.write_text(json.dumps(record))
    os.utime(path, (time.time() - age,) * 2)


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    arguments = ["--task", "digits", "--metadata", "mysql://me:secret@db:3306/m"]
    with _other_process(tmp_path, *arguments) as process:
        with pytest.raises(BadInputError) as refused, locking.held(str(tmp_path)):
            pytest.fail("two hold one lock")
        said = str(refused.value)
        assert said.startswith(f"{tmp_path} is in use by process {process.pid} on {os.uname()[1]}")
        assert f"since {time.strftime('%Y-%m-%d')}" in said
        assert "--task digits --metadata mysql://…@db:3306/m" in said and "secret" not in said


def test_a_killed_process_leaves_its_record_and_no_lock(tmp_path: Path) -> None:
    with _other_process(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert (tmp_path / locking.HOLDER).exists()
        begin = time.monotonic()
        with locking.held(str(tmp_path)) as dead:
            assert dead.startswith(f"process {process.pid} on ")
        # Nothing to wait for: the kernel knows that it has ended.
        assert time.monotonic() - begin < locking._SETTLED
    assert os.listdir(tmp_path) == [locking.LOCK]


def test_a_process_that_ends_gives_the_lock_back(tmp_path: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), locking.held(str(tmp_path)):
        raise ZeroDivisionError
    with locking.held(str(tmp_path)) as dead:
        assert dead == ""


def test_a_process_number_that_is_used_again_does_not_hold_a_lock(tmp_path: Path) -> None:
    # The record names a process that lives: this one. It says nothing about who took the lock.
    _record(tmp_path, pid=os.getpid(), machine=locking._machine())
    with locking.held(str(tmp_path)) as dead:
        assert dead.startswith(f"process {os.getpid()} on node-7 since 2026-11-21 02:00")


def test_another_machine_holds_a_lock_as_long_as_it_gives_signs_of_life(tmp_path: Path) -> None:
    _record(tmp_path, age=locking._DEAD - 30)
    said = "process 7 on node-7 .*run_local.py --task digits.* last sign of life was 27[0-9] s ago"
    with pytest.raises(BadInputError, match=said), locking.held(str(tmp_path)):
        pytest.fail("two machines hold one lock")
    assert json.loads((tmp_path / locking.HOLDER).read_text())["token"] == "another"
    _record(tmp_path, age=locking._DEAD + 1)
    with locking.held(str(tmp_path)) as dead:
        assert dead.startswith("process 7 on node-7")
    assert os.listdir(tmp_path) == [locking.LOCK]


def test_of_two_machines_that_take_over_one_record_the_last_writer_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record(tmp_path, age=locking._DEAD + 1)
    # The other machine writes its record while this one waits.
    monkeypatch.setattr(time, "sleep", lambda _: _record(tmp_path, host="node-8", token="8"))
    said = "in use by process 7 on node-8"
    with pytest.raises(BadInputError, match=said), locking.held(str(tmp_path)):
        pytest.fail("two machines hold one lock")
    assert json.loads((tmp_path / locking.HOLDER).read_text())["host"] == "node-8"


def test_a_holder_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_BEAT", 0.01)
    with locking.held(str(tmp_path)):
        path = tmp_path / locking.HOLDER
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 10
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > time.time() - 60
    # The thread has ended with the lock.
    assert not any(thread.name.endswith("(_beat)") for thread in threading.enumerate())


def test_a_holder_does_not_keep_anothers_record_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was suspended for so long that another machine took its lock over.
    monkeypatch.setattr(locking, "_BEAT", 0.01)
    with locking.held(str(tmp_path)):
        _record(tmp_path, age=1000)
        before = (tmp_path / locking.HOLDER).stat().st_mtime
        time.sleep(0.1)
        assert (tmp_path / locking.HOLDER).stat().st_mtime == before
    assert (tmp_path / locking.HOLDER).exists()


def test_without_locks_and_links_the_record_alone_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locking.fcntl, "flock", fails)
    monkeypatch.setattr(os, "link", fails)
    with locking.held(str(tmp_path)):
        monkeypatch.setattr(locking, "_machine", lambda: "another")
        said = f"in use by process {os.getpid()}"
        with pytest.raises(BadInputError, match=said), locking.held(str(tmp_path)):
            pytest.fail("two hold one lock")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    said = "gone cannot be locked: No such file"
    with pytest.raises(BadInputError, match=said), locking.held(str(tmp_path / "gone")):
        pytest.fail("nothing to lock")
