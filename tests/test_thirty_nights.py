"""Thirty nights of real digits, run as cron would run them, with every kind of trouble among them.

`make nights` shows them to a person. Everything is read from exit codes, summaries, pushed
versions, history and lineage alone.
"""

import json
import os
import time
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.nights import calendar
from tests.nights.season import TASK, Outcome, Season

WATCHED = bool(os.environ.get("NIGHTS"))


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_thirty_nights_have_thirty_right_verdicts(tmp_path: Path) -> None:
    season = Season(tmp_path)
    console = Console(width=120)
    table = Table("night", "what happens", "status", "code", "serves", "s", box=None)
    before: Outcome | None = None
    for number, night in enumerate(calendar.NIGHTS, start=1):
        begin = time.monotonic()
        now = night.act(season)
        seconds = time.monotonic() - begin
        row = (str(number), night.title, now.status, str(now.code), now.served[0], f"{seconds:.0f}")
        table.add_row(*row)
        if WATCHED:
            console.print("  ".join(row))
        calendar.check(night, before, now)
        before = now
    console.print(table)
    _check_history(season)


def _check_history(season: Season) -> None:
    """Every night is in the history, and the lineage of the last version names all its spans."""
    told = season.about("--history", str(TASK), "--root", str(season.root), "--json")
    assert told.code == 0, told.said
    history = json.loads(told.said)
    assert history["champion"] == told.served[0]
    # Two more than there are nights: the run that was killed, and the one that came too early.
    statuses = [night["status"] for night in history["nights"]]
    assert len(statuses) == len(calendar.NIGHTS) + 2, statuses
    assert statuses.count("interrupted") == 1
    page = (season.root / "index.html").read_text()
    assert all(night["run_id"] in page for night in history["nights"][-3:])

    told = season.about(
        "--lineage", "latest", "--task", str(TASK), "--root", str(season.root), "--json"
    )
    spans = json.loads(told.said)["spans"]
    assert [span["number"] for span in spans][-3:] == [27, 28, 30]
    assert sum(span["counts"]["train"] for span in spans) == told.summary["counts"]["train"]
    touched = season.about("--trained-on", "28", "--task", str(TASK), "--root", str(season.root))
    assert touched.code == 0 and told.served[0] in touched.said, touched.said
