import logging
import os
import subprocess
import sys

import pytest

from pipelines.local import console


def test_noise_goes_to_the_log_and_progress_to_the_terminal(tmp_path) -> None:
    log = tmp_path / "logs" / "run.log"
    script = f"""
import logging, os, sys
from pipelines.local.console import quiet
with quiet({str(log)!r}) as people:
    people.start("Trainer")
    os.write(2, b"noise of C++\\n")
    print("noise of Python")
    logging.getLogger("apache_beam").warning("noise of Beam")
    logging.getLogger("tfx_vision").info("exported to x")
    people.finish("Trainer", seconds=1.25, cached=False, note="done")
print("after")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "noise" not in done.stdout
    assert "exported to x" in done.stdout
    assert "after" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "Trainer" in line]
    assert "1.2 s" in line and "done" in line
    written = log.read_text()
    for noise in ("noise of C++", "noise of Python", "noise of Beam"):
        assert noise in written


def test_streams_and_loggers_come_back(tmp_path) -> None:
    before = logging.getLogger().handlers[:], os.fstat(1).st_ino
    with pytest.raises(RuntimeError), console.quiet(str(tmp_path / "a.log")):
        raise RuntimeError
    assert (logging.getLogger().handlers, os.fstat(1).st_ino) == before
    assert not logging.getLogger("tfx_vision").handlers


def test_without_a_terminal_epochs_are_paced_but_the_last_is_shown(tmp_path) -> None:
    out = open(tmp_path / "out", "w+")  # noqa: SIM115
    people = console.RunConsole(out)
    people.start("Trainer")
    for epoch in range(1, 61):
        people.emit(
            logging.LogRecord("tfx_vision", logging.INFO, "", 0, f"epoch {epoch}/60", None, None)
        )
    people.finish("Trainer", seconds=1, cached=False)
    out.seek(0)
    lines = [line for line in out.read().splitlines() if "epoch" in line]
    assert len(lines) == 1 and "epoch 60/60" in lines[0]


def test_a_closed_terminal_does_not_end_the_run(tmp_path) -> None:
    script = f"""
import time
from pipelines.local.console import quiet
with quiet({str(tmp_path / "a.log")!r}) as people:
    for i in range(50):
        people.finish(f"node{{i}}", seconds=1, cached=False)
        time.sleep(0.01)
    open({str(tmp_path / "done")!r}, "w").close()
"""
    subprocess.run(f"{sys.executable} - <<'EOF' | head -n 1\n{script}\nEOF", shell=True, check=True)
    assert (tmp_path / "done").exists()
