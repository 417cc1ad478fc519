"""`--compare RUN_A RUN_B`: two archived runs, on the terminal and as a page."""

import argparse

from rich.console import Console

from pipelines.config import RunConfig
from pipelines.local import compare


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Compares two runs of the configuration's name.

    Raises:
      BadInputError: If one of the runs does not exist.
    """
    first, second = args.compare
    compare.run(config.folder, first, second, console)
    return 0
