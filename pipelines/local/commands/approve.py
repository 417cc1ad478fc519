"""`--approve TASK VERSION`: pushes a model that a run has held."""

import argparse

from rich.console import Console

from components.pusher import releasing
from pipelines.config import RunConfig
from pipelines.local.commands import decisions


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Pushes a held version, and prints what is served now.

    Raises:
      BadInputError: If it cannot be pushed.
    """
    task, version = args.approve
    folder = decisions.serving_folder(config, task, args, "--approve")
    decided = releasing.approve(
        folder, version, by=args.by, reason=args.reason, as_newest=args.as_newest
    )
    decisions.tell(decided, folder, console)
    return 0
