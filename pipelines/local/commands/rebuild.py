"""`--rebuild VERSION`: makes a version again and compares the weights."""

import argparse
import os
import shutil

from rich.console import Console
from rich.markup import escape

from pipelines import startup
from pipelines.config import RunConfig
from pipelines.local import console as consoles
from pipelines.local import locking, metadata_store
from pipelines.local.ancestry import family, version
from trainer_modules.engine.errors import BadInputError

REBUILDS = "rebuilds"


def run(config: RunConfig, args: argparse.Namespace, console: Console) -> int:
    """Trains a version again from its data; exit code 0 if the weights are equal, else 1.

    Raises:
      BadInputError: If there is no such version, or what it was made from is gone.
    """
    named = version.named(config, args.rebuild)
    if not named.model:
        raise BadInputError(
            f"The files of version {named.version} were removed, so there is nothing to compare "
            "with. --lineage still tells what made it."
        )
    home = os.path.dirname(os.path.abspath(named.metadata))
    folder = os.path.join(home, REBUILDS, named.version)
    with locking.held(home), metadata_store.opened(named.metadata) as store:
        ancestry = family.of_model(store, version.trained(store, named))
        if ancestry is None:
            raise BadInputError(f"Version {named.version} was not trained, so nothing is rebuilt.")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        log = os.path.join(folder, "rebuild.log")
        with consoles.quiet(log) as quiet:
            quiet.start("training again")
            startup.prepare()
            from pipelines.local.ancestry import rebuilding

            rebuilt = rebuilding.rebuild(
                store, ancestry, named.model, folder, beam_args=config.beam_args
            )
            quiet.stop()
    for name, value in (
        ("version", named.version),
        ("data", rebuilt.data),
        ("weights", f"sha256 {rebuilt.expected}"),
        ("rebuilt", f"sha256 {rebuilt.digest}"),
        ("model", rebuilt.model),
    ):
        console.print(f"{name:<9}{escape(value)}", soft_wrap=True, highlight=False)
    for phrase in rebuilt.differs:
        console.print(f"differs  {escape(phrase)}", soft_wrap=True, highlight=False)
    if rebuilt.equal:
        console.print("[bold green]equal[/]: the rebuilt model has the same weights, bit by bit")
        return 0
    why = "what differs is listed above" if rebuilt.differs else "nothing that was noted differs"
    console.print(f"[bold yellow]different[/]: the weights are not the same; {why}")
    return 1
