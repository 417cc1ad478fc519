"""How long it still takes, by the epochs and by the runs before."""

import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.local import progress
from pipelines.local.console import RunConsole

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("epoch 3/5  loss 0.1  accuracy 0.9  took 10.0 s", 20.0),
        ("epoch 5/5  loss 0.1  took 10.0 s", 0.0),
        ("epoch 1/3  step 25/100  loss 0.3  10 s so far", 110.0),
        ("epoch 3/3  step 50/100  loss 0.3  10 s so far", 10.0),
        ("epoch 7: learning rate lowered to 0.001", None),
        ("training digits on one CPU", None),
    ],
)
def test_epochs_left(message: str, left: float | None) -> None:
    assert progress.epochs_left(message) == (None if left is None else pytest.approx(left))


def test_the_messages_are_those_that_training_writes() -> None:
    """The form is written in one place and read in another: here the two meet."""
    from trainer_modules.engine.training import callbacks

    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tfx_vision")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        teller = callbacks.Progress.__new__(callbacks.Progress)
        vars(teller).update(_epoch=1, _epochs=4, _steps=10, _said=-1e9, _started=0.0)
        teller.on_train_batch_end(4, {"loss": 0.5})
        teller.on_epoch_end(1, {"loss": 0.5})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert len(heard) == 2
    assert all(progress.epochs_left(message) is not None for message in heard), heard


def test_times_are_said_as_people_say_them() -> None:
    said = [progress.words(s) for s in (0.2, 8.4, 89, 100, 3599, 5400, 7800)]
    assert said == ["1 s", "8 s", "89 s", "2 min", "60 min", "1 h 30 min", "2 h 10 min"]


def test_a_component_takes_what_it_took_when_it_last_worked(tmp_path) -> None:
    def keep(name: str, text: str) -> None:
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "summary.json").write_text(text)

    assert progress.expected(str(tmp_path)) == {}
    keep("1", json.dumps({"seconds": {"Trainer": 60, "Pusher": 1}, "cached": []}))
    keep("2", json.dumps({"seconds": {"Trainer": 0.1, "Pusher": 2}, "cached": ["Trainer"]}))
    keep("3", "{torn")
    keep("4", "[]")
    assert progress.expected(str(tmp_path)) == {"Trainer": 60, "Pusher": 2}
    for number in range(50, 100):
        keep(str(number), json.dumps({"seconds": {"Pusher": 3}, "cached": []}))
    assert progress.expected(str(tmp_path)) == {"Pusher": 3}, "not of a thousand nights"


def test_the_living_line_labels_its_times() -> None:
    clock = [100.0]
    work = progress.Progress("Transform", before=30.0, now=lambda: clock[0])
    clock[0] = 112.0
    assert work.line == "Transform  12 s elapsed, about 18 s left"
    clock[0] = 140.0
    assert work.line == "Transform  40 s elapsed"
    told = work.observe("epoch 1/4  loss 0.1  took 5.0 s")
    assert told == "epoch 1/4  loss 0.1  took 5.0 s, about 15 s left"
    clock[0] = 145.0
    assert work.line == (
        "Transform  45 s elapsed, about 10 s left  epoch 1/4  loss 0.1  took 5.0 s"
    )


def test_in_a_file_there_are_epochs_with_the_time_left_and_no_control_characters(tmp_path) -> None:
    with open(tmp_path / "out", "w+", encoding="utf-8") as out:
        people = RunConsole(out, {"Trainer": 10.0})
        people.start("Trainer")
        text = "epoch 1/3  loss 1  took 61.0 s"
        people._printed -= 100
        people.emit(logging.LogRecord("tfx_vision", logging.INFO, "", 0, text, None, None))
        people.finish("Trainer", seconds=1, cached=False)
        out.seek(0)
        written = out.read()
    assert "took 61.0 s, about 2 min left" in written
    assert "\x1b" not in written and "\r" not in written


def test_on_a_terminal_the_line_lives_and_fits() -> None:
    """In a real pseudo-terminal of 40 columns: the line says the time, and is never wrapped."""
    script = (
        "import sys, time\n"
        "from pipelines.local.console import RunConsole\n"
        "people = RunConsole(sys.stdout, {'Transform': 3.0})\n"
        "people.start('Transform'); time.sleep(1.3)\n"
        "people.finish('Transform', seconds=1.3, cached=False, note='done')\n"
    )
    reader, writer = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "40", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=writer, env=env, cwd=ROOT) as process:
        os.close(writer)
        shown = b""
        try:
            while block := os.read(reader, 4096):
                shown += block
        except OSError:
            pass  # The other side has closed.
    os.close(reader)
    assert process.returncode == 0
    text = shown.decode()
    assert "Transform  1 s elapsed, about 2 s" in text
    assert "Transform             1.3 s  done" in text
