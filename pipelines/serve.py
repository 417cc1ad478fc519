"""Serves pushed models over the TensorFlow Serving REST protocol.

python -m pipelines.serve [--root runs] [--task NAME]… [--port 8501]

In a Vertex AI container, its environment variables are the defaults: AIP_STORAGE_URI is the folder
of the one model, AIP_HTTP_PORT the port, on every interface.
https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

import argparse
import logging
import os
import sys
from typing import Any

if __name__ == "__main__":
    # Started as a file, Python looks in pipelines/ for modules; they are one folder up.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

try:
    import uvicorn
    from rich.console import Console

    from components.pusher import releases, releasing
    from pipelines.names import Names
    from pipelines.serving.http import Limits, Server
    from pipelines.serving.models import Served, Watcher
    from trainer_modules.engine import tensorflow_alone
    from trainer_modules.engine.errors import BadInputError, did_you_mean
except ModuleNotFoundError as missing:
    sys.exit(
        f"{missing.name} is not installed for {sys.executable}. Run `make install`, or "
        "`uv sync --group serve`."
    )


def parser() -> argparse.ArgumentParser:
    """Returns the parser of `serve.py`."""
    limits = Limits()
    options = argparse.ArgumentParser(
        prog="serve.py",
        description="Serve pushed models over the TensorFlow Serving REST protocol.",
        epilog="Exit codes: 0 stopped; 1 failed; 2 bad input or usage.",
    )
    options.add_argument("--root", default="runs", metavar="DIR", help="default: runs")
    options.add_argument(
        "--model-folder",
        default=os.environ.get("AIP_STORAGE_URI"),
        metavar="DIR",
        help="one SavedModel, or a folder of its versions, served as the only --task instead of "
        "--root; default: $AIP_STORAGE_URI",
    )
    options.add_argument(
        "--task",
        action="append",
        default=[],
        metavar="NAME",
        help="serve only this model: a task, or the --name given to run_local.py; may be repeated",
    )
    port = os.environ.get("AIP_HTTP_PORT")
    options.add_argument(
        "--host",
        default="0.0.0.0" if port else "127.0.0.1",
        help="default: 127.0.0.1; 0.0.0.0 for every interface",
    )
    options.add_argument(
        "--port", type=int, default=port or "8501", help="default: $AIP_HTTP_PORT, or 8501"
    )
    options.add_argument(
        "--poll",
        type=float,
        default=None,
        metavar="SECONDS",
        help="interval between checks for new and withdrawn versions; default: 0.5, and 10 for "
        "models in a bucket",
    )
    options.add_argument(
        "--no-standby",
        action="store_true",
        help="do not keep the version before in memory; a rollback then has to load it first",
    )
    options.add_argument("--max-body", type=int, default=limits.max_body, metavar="BYTES")
    options.add_argument("--max-concurrent", type=int, default=limits.max_concurrent, metavar="N")
    options.add_argument("--max-batch", type=int, default=limits.max_batch, metavar="N")
    options.add_argument("--max-pixels", type=int, default=limits.max_pixels, metavar="N")
    return options


def find(root: str, tasks: list[str], model_folder: str | None = None) -> list[Served]:
    """Returns the models under `root`, or the one in `model_folder`, not loaded yet.

    Raises:
      BadInputError: If nothing has been pushed, or a requested model is missing.
    """
    import tensorflow as tf

    if model_folder:
        if len(tasks) != 1:
            raise BadInputError(
                f"--model-folder {model_folder} is a single model. Name it with exactly one "
                f"--task. Received: {', '.join(tasks) or 'none'}"
            )
        return [Served(tasks[0], model_folder.rstrip("/"))]
    folder = os.path.join(root, "serving")
    names = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    there = sorted(n.rstrip("/") for n in names)
    if not tasks:
        # Held models alone are no reason not to serve the others.
        there = [name for name in there if not _only_held(os.path.join(folder, name))]
    if not there:
        raise BadInputError(
            f"Nothing has been pushed to {folder} yet. Run a task "
            "first, for example with `make run`."
        )
    tasks = [Names(task).own for task in tasks]
    for task in tasks:
        if task not in there:
            raise BadInputError(f"--task {did_you_mean(task, there)}.")
    return [Served(name, os.path.join(folder, name)) for name in tasks or there]


def _only_held(folder: str) -> bool:
    """Says whether models wait for approval in a serving folder and none was pushed yet."""
    return bool(releases.read(folder).held) and not releasing.served_version(folder)


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    args = parser().parse_args(argv)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    tensorflow_alone.refuse()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s  %(message)s")
    limits = Limits(
        max_body=args.max_body,
        max_concurrent=args.max_concurrent,
        max_batch=args.max_batch,
        max_pixels=args.max_pixels,
    )
    try:
        served = find(args.root, args.task, args.model_folder)
        for model in served:
            model.keeps_standby = not args.no_standby
            model.refresh()
            if model.current is None:
                why = next(iter(model.failures.values()), "it contains no numbered versions")
                raise BadInputError(f"'{model.name}' in {model.folder} cannot be served: {why}")
    except BadInputError as error:
        console.print("[bold red]error:[/] ", end="")
        console.print(str(error), markup=False)
        return 2
    for model in served:
        address = f"http://{args.host}:{args.port}/v1/models/{model.name}:predict"
        assert model.current is not None
        console.print(f"{model.name} version {model.current.number}  {address}", markup=False)
    remote = any("://" in model.folder for model in served)
    poll = args.poll if args.poll is not None else (10.0 if remote else 0.5)
    return _serve(Server(served, limits), Watcher(served, poll), args)


def _serve(server: Server, watch: Watcher, args: Any) -> int:
    watch.start()
    config = uvicorn.Config(
        server.app(),
        host=args.host,
        port=args.port,
        log_level="warning",
        access_log=False,
        # Connections in addition to accepted predictions: health checks, metrics, rejected
        # requests.
        backlog=2048,
        timeout_graceful_shutdown=30,
        server_header=False,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        watch.stop()
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
