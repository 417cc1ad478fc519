"""`--gc KEEP [--dry-run]`: says what nothing needs any more, and frees it."""

import argparse
import os

from rich.console import Console
from rich.table import Table

from pipelines import chatter, startup
from pipelines.config import RunConfig
from pipelines.local import locking
from pipelines.local.sizes import in_words
from trainer_modules.engine.errors import BadInputError


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Frees what the last nights and the kept versions do not need.

    Raises:
      BadInputError: If KEEP is no number of nights, there are no runs of this name, or one is in
        progress.
    """
    if args.gc < 1:
        raise BadInputError(f"--gc must be a number of nights, at least 1. Received: {args.gc}")
    if "://" in config.root:
        raise BadInputError(f"--gc frees folders of this machine. Received: --root {config.root}")
    if not os.path.isdir(config.artifacts_folder):
        raise BadInputError(f"--gc: there are no runs of '{config.names.own}' in {config.folder}.")
    with locking.held(config.folder), chatter.redirected():
        startup.prepare()
        from pipelines.local.housekeeping import freeing

        planned = freeing.plan(config, args.gc)
        if planned.sizes:
            console.print(_table(planned.sizes))
        console.print(
            f"{in_words(planned.total)} can be freed: {_nights(planned.dropped)} lose what neither "
            f"the last {_nights(planned.kept)} nor a kept version needs",
            highlight=False,
        )
        if args.dry_run:
            return 0
        freeing.free(config, planned)
        console.print(f"freed {in_words(planned.total)}", highlight=False)
    return 0


def _nights(count: int) -> str:
    return f"{count:,} night{'s' * (count != 1)}"


def _table(sizes: dict[str, int]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("component")
    table.add_column("bytes", justify="right")
    for component, size in sizes.items():
        table.add_row(component, in_words(size))
    return table
