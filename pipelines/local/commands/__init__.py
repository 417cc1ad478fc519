"""Commands about earlier runs: what `run_local.py` does instead of a run, one module each."""

import argparse
import importlib

from rich.console import Console

from pipelines.config import RunConfig

# The option's name in the parsed arguments → the module whose `run` carries it out; only that one
# is imported.
_MODULES = {
    "list": "pipelines.local.commands.list_tasks",
    "compare": "pipelines.local.commands.compare_runs",
    "gc": "pipelines.local.commands.free_disk",
    "history": "pipelines.local.commands.show_history",
    "approve": "pipelines.local.commands.approve",
    "refuse": "pipelines.local.commands.refuse",
    "rollback": "pipelines.local.commands.rollback",
    "lineage": "pipelines.local.commands.lineage",
    "rebuild": "pipelines.local.commands.rebuild",
    "trained_on": "pipelines.local.commands.trained_on",
}
# These only look; after any other, the history is written anew.
_LOOK = {"list", "compare", "history", "lineage", "rebuild", "trained_on"}


def chosen(args: argparse.Namespace) -> str | None:
    """Returns which command the arguments ask for; None for a run."""
    # Compared by identity: `--gc 0` is a command with a wrong number, not a run.
    given = ((name, getattr(args, name)) for name in _MODULES)
    return next((name for name, value in given if value is not None and value is not False), None)


def run(name: str, config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Carries out a command; returns the exit code.

    Args:
      name: What `chosen` returned.
      config: The task, its name and the root that the command is about.
      args: The parsed arguments, the command's own among them.
      console: Where to print.

    Raises:
      BadInputError: If the command cannot be carried out as asked.
    """
    try:
        code: int = importlib.import_module(_MODULES[name]).run(config, args, console)
    finally:
        if name not in _LOOK:
            from pipelines.local.history import overview

            overview.refresh(config.root)
    return code
