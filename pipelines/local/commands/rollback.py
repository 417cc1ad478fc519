"""`--rollback TASK [VERSION]`: serves an earlier version again."""

import argparse

from rich.console import Console

from components.pusher import rolling_back
from pipelines.config import RunConfig
from pipelines.local.commands import decisions
from trainer_modules.engine.errors import BadInputError


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Withdraws the versions after the chosen one, and prints what is served now.

    Raises:
      BadInputError: If that version cannot be served.
    """
    task, *rest = args.rollback
    if len(rest) > 1:
        raise BadInputError(
            f"--rollback takes a TASK and at most one VERSION. Received: {' '.join(args.rollback)}"
        )
    folder = decisions.serving_folder(config, task, args, "--rollback")
    version = rest[0] if rest else ""
    decided = rolling_back.rollback(folder, version, by=args.by, reason=args.reason)
    decisions.tell(decided, folder, console)
    return 0
