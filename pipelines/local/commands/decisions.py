"""What the commands share by which a person decides about a version."""

import argparse
import dataclasses
import os

from rich.console import Console
from rich.markup import escape

from components.pusher import releases, releasing
from components.pusher.releasing import Decided
from pipelines.config import RunConfig
from trainer_modules.engine.errors import BadInputError


def serving_folder(config: RunConfig, task: str, args: argparse.Namespace, option: str) -> str:
    """Returns the serving folder that a decision is about.

    Args:
      config: Gives the root, and the name if `--name` was given.
      task: The task as `--task` names it.
      args: The parsed arguments: `by` and `reason`, and whether `as_newest` is of use.
      option: The command's own option.

    Raises:
      BadInputError: If who or why is missing, or nothing was ever pushed or held there.
    """
    releasing.check_given(by=args.by, reason=args.reason)
    if args.as_newest and option != "--approve":
        raise BadInputError(f"--as-newest belongs to --approve, not to {option}.")
    folder = dataclasses.replace(config, task=task).serving_folder
    if "://" not in folder and not os.path.isdir(folder):
        above = os.path.dirname(folder)
        there = sorted(os.listdir(above)) if os.path.isdir(above) else []
        raise BadInputError(
            f"{option}: nothing was pushed or held in {folder}. There is "
            f"{', '.join(there) or 'nothing'} in {above}; --root and --name choose another."
        )
    return folder


def tell(decided: Decided, folder: str, console: Console) -> None:
    """Prints what a decision has led to."""
    console.print(f"[bold green]{escape(decided.message)}[/]", soft_wrap=True)
    for note in decided.notes:
        console.print(escape(note), soft_wrap=True)
    console.print(f"served  {decided.served or 'nothing'}", soft_wrap=True, markup=False)
    console.print(f"record  {releases.path(folder)}", soft_wrap=True, markup=False)
