"""`--history [TASK]`: the nights of a name as a table, or with `--json` for machines."""

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.config import RunConfig
from pipelines.local.history import reading
from pipelines.local.history.night import Night
from pipelines.local.history.reading import Record
from pipelines.local.sizes import in_words

# As many as the page shows at first; measuring thousands of rows takes seconds.
_SHOWN = 60
# Where the output is no terminal, lines are as long as they need to be.
_WIDE = 200
_STYLES = {"pushed": "green", "nothing_new": "green", "held": "yellow", "running": "yellow"}


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Prints the history.

    Raises:
      BadInputError: If there are no runs of this name under the root.
    """
    record = reading.find(config.root, args.history or config.names.own)
    if args.json:
        json.dump(plain(record), sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
        return 0
    if not console.is_terminal:
        console = Console(file=console.file, width=_WIDE)
    if earlier := len(record.nights[:-_SHOWN]):
        told = f"{earlier:,} earlier nights: --history {record.name} --json"
        console.print(told, style="dim", highlight=False)
    console.print(_table(record))
    console.print(f"served: version {record.champion or 'none'}", highlight=False)
    if record.problem:
        console.print(Text(record.problem, style="red"))
    return 0


def plain(record: Record) -> dict[str, object]:
    """Returns a history as JSON has it: `name`, `champion`, `nights` and `releases`.

    The nights' fields are those of `Night`; the releases' those of `releases.jsonl`.
    """
    return {
        "name": record.name,
        "champion": record.champion,
        "nights": [night.plain() for night in record.nights],
        "releases": [json.loads(event.line) for event in record.events],
        "problem": record.problem,
    }


def _table(record: Record) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    metric = next((night.metric for night in reversed(record.nights) if night.metric), "metric")
    for title in ("night", "outcome", "version"):
        table.add_column(title, no_wrap=True)
    for title in (metric.replace("_", " "), "worst class", "examples", "time", "disk"):
        table.add_column(title, justify="right")
    table.add_column("what happened", overflow="fold", ratio=1)
    for night in record.nights[-_SHOWN:]:
        table.add_row(*_row(night))
    return table


def _row(night: Night) -> list[Text | str]:
    status = Text(night.status.replace("_", " "), style=_STYLES.get(night.status, "red"))
    worst = f"{night.worst_class} {_figure(night.worst)}" if night.worst_class else ""
    seconds = "" if night.seconds is None else f"{night.seconds:,.0f} s"
    size = "" if night.size is None else f"{night.size:,}"
    disk = in_words(night.disk["total"]) if "total" in night.disk else ""
    happened = Text("\n".join(night.happened))
    night_of = night.time.replace("T", " ")[:16] or night.run_id
    figures: list[Text | str] = [_figure(night.value), Text(worst), size, seconds, disk]
    return [night_of, status, night.version, *figures, happened]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
