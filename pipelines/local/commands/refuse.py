"""`--refuse TASK VERSION`: decides against a model that a run has held."""

import argparse

from rich.console import Console

from components.pusher import releasing
from pipelines.config import RunConfig
from pipelines.local.commands import decisions


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Refuses a held version, and prints what is served.

    Raises:
      BadInputError: If it is not held.
    """
    task, version = args.refuse
    folder = decisions.serving_folder(config, task, args, "--refuse")
    decided = releasing.refuse(folder, version, by=args.by, reason=args.reason)
    decisions.tell(decided, folder, console)
    return 0
