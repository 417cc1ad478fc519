"""`--trained-on SPAN`: the models that a span has touched."""

import argparse
import json
import os

from rich.console import Console
from rich.table import Table

from components.pusher import releases
from pipelines.config import RunConfig
from pipelines.local import metadata_store
from pipelines.local.ancestry import family
from trainer_modules.engine.errors import BadInputError, did_you_mean


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Prints the models that learnt from a span, and those that started from such a model.

    Raises:
      BadInputError: If no run has read such a span.
    """
    with metadata_store.opened(config.metadata_file) as store:
        known = [a for m in family.models(store) if (a := family.of_model(store, m))]
    how = family.touched(known, args.trained_on)
    spans = sorted({s["span"] for ancestry in known for s in ancestry.spans if s["span"]})
    if not how:
        near = did_you_mean(args.trained_on, spans) if spans else "is of no run: none read spans"
        raise BadInputError(f"--trained-on: the span {near}")
    by_model = {r.model: r for r in releases.read(config.serving_folder).releases if r.model}
    rows = [
        {
            "model": uri,
            "version": by_model[uri].version if uri in by_model else None,
            "state": by_model[uri].state if uri in by_model else "not pushed",
            "how": why,
        }
        for uri, why in how.items()
    ]
    if args.json:
        console.out(json.dumps(rows, ensure_ascii=False, indent=1), highlight=False)
        return 0
    table = Table(box=None, header_style="bold")
    for column in ("version", "now", "how", "model"):
        table.add_column(column, overflow="fold")
    for row in rows:
        where = os.path.relpath(str(row["model"]), config.root)
        table.add_row(str(row["version"] or "–"), str(row["state"]), str(row["how"]), where)
    console.print(table)
    return 0
