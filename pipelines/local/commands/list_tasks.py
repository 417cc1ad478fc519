"""`--list`: the tasks, a line each."""

import argparse

from rich.console import Console
from rich.table import Table

from pipelines import tasks
from pipelines.config import RunConfig
from pipelines.task_files import spelling


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Prints the tasks of this repository, and those of the task file, if `--task` names one."""
    del args
    table = Table(box=None, header_style="bold")
    table.add_column("task", no_wrap=True)
    table.add_column("what it is")
    for name, line in tasks.descriptions(config.task if spelling.parse(config.task).path else ""):
        table.add_row(name, line)
    console.print(table)
    return 0
