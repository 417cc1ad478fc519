"""Runs a task's pipeline on this machine.

python pipelines/run_local.py [--task digits] [--data PATH] [--set KEY=VALUE]…
"""

import os
import sys

if __name__ == "__main__":
    # As a script, Python puts this folder first on the path; the packages lie one above.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

try:
    from rich.console import Console

    from pipelines import startup
    from pipelines.local import commands
    from pipelines.local.options import from_args, local_parser
    from trainer_modules.engine.errors import BadInputError
except ModuleNotFoundError as missing:
    sys.exit(
        f"{missing.name} is not installed for {sys.executable}. Run `make run`, or "
        "`make install` once and then `.venv/bin/python pipelines/run_local.py`."
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    args = local_parser().parse_args(argv)
    try:
        config = from_args(args)
        if command := commands.chosen(args):
            return commands.run(command, config, args, Console())
        startup.on_this_machine_alone(
            config.data, config.root, config.weights, *config.settings, *config.beam
        )
        # Imported here: a command about earlier runs answers before tasks are loaded.
        from pipelines.local import run
        from pipelines.local.history import overview

        try:
            return run.once(config)
        finally:
            overview.refresh(config.root)
    except BadInputError as error:
        # In a file, a path stays in one piece.
        console = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
        console.print(f"[bold red]error:[/] {_escape(error)}")
        return 2
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; run the same command again to continue")
        return 130


def _escape(error: object) -> str:
    from rich.markup import escape

    return escape(str(error))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All output is written and closed; shutting down TensorFlow and Beam would take over a second.
    os._exit(code)
