"""Predicts images with a pushed model: many at a time, into one file or folder.

python pipelines/predict.py --model DIR --data PATH --output FILE.csv|FILE.jsonl|DIR
"""

import argparse
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

if __name__ == "__main__":
    # Started as a file, Python looks in pipelines/ for modules; they are one folder up.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

try:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from pipelines import startup
    from pipelines.config import RunConfig
    from trainer_modules.engine import tensorflow_alone
    from trainer_modules.engine.errors import BadInputError
except ModuleNotFoundError as missing:
    sys.exit(
        f"{missing.name} is not installed for {sys.executable}. Run `make install` once and then "
        "`.venv/bin/python pipelines/predict.py`."
    )


def parser() -> argparse.ArgumentParser:
    """Returns the parser of `predict.py`."""
    options = argparse.ArgumentParser(
        prog="predict.py",
        description="Predict images with a pushed model.",
        epilog="Exit codes: 0 written; 1 failed; 2 bad input or usage. An image that cannot "
        "be read becomes a row with an error and is not a failure.",
    )
    options.add_argument(
        "--model", required=True, metavar="DIR", help="<root>/serving/<task>, or one version of it"
    )
    options.add_argument(
        "--data",
        required=True,
        metavar="PATH",
        help="a folder of images (may be nested), a quoted glob pattern, TFRecords "
        "(*.tfrec*), a CSV of paths, or a CSV of numbers for a model of tables",
    )
    options.add_argument(
        "--output",
        required=True,
        metavar="FILE.csv|FILE.jsonl|DIR",
        help="written completely or not at all; a folder for masks",
    )
    columns = options.add_mutually_exclusive_group()
    columns.add_argument(
        "--columns",
        default="",
        metavar="LIST",
        help="columns of the CSV, as FIELD or HEADER=FIELD, for example id,label: id, label, "
        "class_id, score, index, label_2 …, probabilities, probability:CLASS, value, mask, true, "
        "error",
    )
    columns.add_argument(
        "--submission",
        metavar="TASK",
        help="write the columns of this task's submission.csv, for example cassava",
    )
    options.add_argument(
        "--top",
        type=_positive,
        metavar="K",
        help="the K most probable classes: limits the list in JSON Lines, adds "
        "the columns label_2, … to CSV",
    )
    options.add_argument(
        "--maps",
        default="",
        metavar="CLASSES",
        help="for masks: also write heat maps of these "
        "classes, comma-separated, for example Road,Car",
    )
    options.add_argument(
        "--keep-order",
        action="store_true",
        help="keep the order of the input; this is always the case, the option is accepted for "
        "compatibility",
    )
    options.add_argument("--batch-size", type=_positive, metavar="N", help="images per model call")
    options.add_argument(
        "--image-key", default="image", metavar="KEY", help="TFRecords: feature with the image"
    )
    options.add_argument(
        "--id-key",
        default="",
        metavar="KEY",
        help="TFRecords and CSV: the id; default: image_name or id, else shard:number; CSV: path",
    )
    options.add_argument(
        "--label-key",
        default="",
        metavar="KEY",
        help="TFRecords: feature with a label to copy to the field true",
    )
    options.add_argument(
        "--path-column", default="path", metavar="NAME", help="CSV: column with the path"
    )
    options.add_argument(
        "--beam",
        action="append",
        default=[],
        metavar="ARG",
        help="an option for Beam; may be repeated",
    )
    return options


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1. Received: {value}")
    return value


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        with _quiet() as console:
            return _predict(args, console)
    except BadInputError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print("[bold red]error:[/] ", end="")
        console.print(str(error), markup=False)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130


@contextlib.contextmanager
def _quiet() -> Iterator[Console]:
    """Yields a console on standard error that TensorFlow's C++ code cannot write to."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as terminal:
            yield Console(file=terminal, highlight=False, soft_wrap=True)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _predict(args: argparse.Namespace, console: Console) -> int:
    begin = time.monotonic()
    columns = _columns(args)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    startup.on_this_machine_alone(args.model, args.data, args.output)
    logging.getLogger().setLevel(logging.WARNING)
    tensorflow_alone.refuse()
    from components.bulk_predict import run
    from components.bulk_predict.inputs import Keys

    keys = Keys(image=args.image_key, id=args.id_key, label=args.label_key, path=args.path_column)
    with _progress(console) as started:
        outcome = run.predict(
            model_folder=args.model,
            data=args.data,
            output=args.output,
            keys=keys,
            columns=columns,
            top=args.top,
            maps=tuple(filter(None, (name.strip() for name in args.maps.split(",")))),
            batch_size=args.batch_size,
            beam_args=RunConfig(beam=tuple(args.beam)).beam_args,
            started=started,
        )
    seconds = time.monotonic() - begin
    notes = f", {outcome.errors:,} of them with an error" if outcome.errors else ""
    if outcome.converted:
        notes += f", {outcome.converted:,} converted to PNG first"
    console.print(f"{outcome.rows:,} rows{notes} in {seconds:.1f} s", markup=False)
    for text in outcome.first_errors:
        console.print(f"  {text}", style="yellow", markup=False)
    if outcome.errors > len(outcome.first_errors):
        console.print(f"  and {outcome.errors - len(outcome.first_errors):,} more", style="yellow")
    print(args.output)
    return 0


def _columns(args: argparse.Namespace) -> str:
    """Returns the columns set by `--columns` or `--submission`.

    Raises:
      BadInputError: If the output has no columns, or the task does not exist.
    """
    if args.submission is None:
        if args.columns and args.output.endswith(".jsonl"):
            raise BadInputError(
                "--columns: --output must be a CSV file; JSON Lines always holds all fields. "
                f"Received: {args.output}"
            )
        return str(args.columns)
    from pipelines import tasks

    try:
        task = tasks.load(args.submission)
    except BadInputError as error:
        raise BadInputError(str(error).replace("--task", "--submission")) from error
    if not args.output.endswith(".csv"):
        raise BadInputError(
            f"--submission: --output must be a file ending in .csv. Received: {args.output}"
        )
    return task.submission.columns(task.problem.submission_fields)


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Any]:
    """Shows the progress of the parts on a terminal; yields the callback for `run.predict`."""
    from components.bulk_predict import run

    stop = threading.Event()
    bar = Progress(
        TextColumn("predicting"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )

    def watch(parts: str, total: int) -> None:
        shown = bar.add_task("predict", total=total, rows=0)
        while not stop.wait(0.5):
            rows, done = run.progress(parts)
            bar.update(shown, completed=done, rows=rows)

    def started(parts: str, total: int) -> None:
        threading.Thread(target=watch, args=(parts, total), daemon=True).start()

    with bar:
        try:
            yield started
        finally:
            stop.set()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All output is written. Shutting Python down while TensorFlow and Beam have threads takes a
    # second, and occasionally ends with "exception not rethrown" and exit code 134.
    os._exit(code)
