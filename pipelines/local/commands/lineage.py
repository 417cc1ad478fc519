"""`--lineage MODEL_DIR|VERSION`: what made a model."""

import argparse
import dataclasses
import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.config import RunConfig
from pipelines.local import metadata_store
from pipelines.local.ancestry import family, version
from trainer_modules.engine.errors import BadInputError

# Digits of a span's SHA-256 on the terminal; `--json` has all.
_SHOWN = 12


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Prints which spans, code, settings, start and metrics a model has; `--json` for programs.

    Raises:
      BadInputError: If there is no such version, or its lineage store knows nothing of it.
    """
    named = version.named(config, args.lineage)
    with metadata_store.opened(named.metadata) as store:
        artifact = version.trained(store, named)
        ancestry = family.of_model(store, artifact)
        if ancestry is None:
            raise BadInputError(
                f"Version {named.version} was not trained: its network was exported with its "
                "published weights."
            )
        start = version.of_model(named, ancestry.start)
    told = {"version": named.version, "served_from": named.model, **dataclasses.asdict(ancestry)}
    told["start"] = start
    if args.json:
        console.out(json.dumps(told, ensure_ascii=False, indent=1), highlight=False)
    else:
        _show(console, told)
    return 0


def _show(console: Console, told: dict[str, Any]) -> None:
    run = told["run"]
    options = json.loads(run.get("options", "{}"))
    rows = {
        "version": told["version"] + ("" if told["served_from"] else " (its files were removed)"),
        "model": told["model"],
        "trained by run": run.get("run_id", "a run that noted nothing of itself"),
        "data": told["data"] or "none",
        "fingerprint": told["fingerprint"],
        "examples": ", ".join(f"{n:,} {name}" for name, n in told["counts"].items()),
        "started from": told["start"] or "scratch",
        "code": run.get("revision") or "unknown",
        "source sha256": run.get("source_sha256", "unknown"),
        "uv.lock sha256": run.get("lock_sha256", "unknown"),
        "environment": ", ".join(
            f"{name} {value}" for name, value in json.loads(run.get("environment", "{}")).items()
        ),
        "settings": "  ".join(options.get("settings") or []) or "the task's own",
        "hyperparameters": "found by a search" if told["tuned"] else "the task's own",
        "metrics": "  ".join(
            f"{name} {value:.4g}" for name, value in told["metrics"].items() if value is not None
        ),
    }
    table = Table(box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, escape(value))
    console.print(table)
    if told["spans"]:
        console.print(_spans(told["spans"]))


def _spans(spans: tuple[dict[str, Any], ...]) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("span", "version", "examples", "rejected", "duplicates", "content"):
        table.add_column(column, overflow="fold", no_wrap=column in ("span", "content"))
    for span in spans:
        counts = ", ".join(f"{n:,} {name}" for name, n in span["counts"].items())
        table.add_row(
            escape(span["span"] or "(no spans)"),
            str(span["version"] if span["version"] is not None else "–"),
            counts,
            str(span["rejected"]),
            str(span["duplicates"]),
            span["sha256"][:_SHOWN],
        )
    return table
