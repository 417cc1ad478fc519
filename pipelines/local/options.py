"""The options of `run_local.py`: runs, and commands about earlier runs."""

import argparse
import os

from pipelines.config import ON_DRIFT, PROMOTIONS, RunConfig
from trainer_modules.engine.custom_config import SCRATCH, STARTS
from trainer_modules.engine.errors import BadInputError


def local_parser() -> argparse.ArgumentParser:
    """Returns the parser of `run_local.py`."""
    parser = argparse.ArgumentParser(
        prog="run_local.py",
        description="Run a task's pipeline on this machine: read the data, train, evaluate, push.",
        epilog="Exit codes: 0 pushed, held for approval, or nothing new to do; 1 a component "
        "failed; 2 bad input or usage; 3 trained but not blessed.",
    )
    _what(parser.add_argument_group("what to run"))
    _how(parser.add_argument_group("how to run it"))
    _commands(parser.add_argument_group("instead of a run"))
    return parser


def _what(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--task",
        default="digits",
        metavar="NAME|FILE.py",
        help="a task of this repository (see --list) or a task file; default: digits",
    )
    group.add_argument(
        "--name",
        default="",
        metavar="NAME",
        help="file the runs and serve the model under this name, so that one task keeps several "
        "models, for example one for each folder of images; default: the task's",
    )
    group.add_argument("--data", metavar="PATH|gs://…", help="location of the task's data")
    group.add_argument(
        "--window",
        default="newest",
        metavar="newest|N|all",
        help="spans to train on, where --data has {SPAN} or a date; default: newest",
    )
    group.add_argument(
        "--evaluate",
        default="newest",
        metavar="newest|window|PATH",
        help="what to evaluate: held-out examples of the newest span, of the window, or a fixed "
        "test set; default: newest",
    )
    group.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a value of the task, for example phases.0.epochs=2; may be repeated",
    )
    group.add_argument("--weights", metavar="imagenet|none|PATH", help="weights of the backbone")
    group.add_argument(
        "--max-rejected",
        type=float,
        default=0.01,
        metavar="FRACTION",
        help="stop if a larger fraction of the examples cannot be read; default: 0.01",
    )
    group.add_argument(
        "--on-drift",
        default="warn",
        choices=ON_DRIFT,
        help="what drift of the newest examples leads to: a warning, the end of the run before "
        "training, or a model that waits for approval; default: warn",
    )
    group.add_argument(
        "--tune",
        type=int,
        default=0,
        metavar="N",
        help="search hyperparameters in N trials first, then train with the best",
    )
    group.add_argument(
        "--start",
        default=SCRATCH,
        choices=STARTS,
        help="train from scratch, from the champion (the last blessed model) in fewer epochs, or "
        "from both and go on with the better one; default: scratch",
    )


def _how(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--root", default="runs", metavar="DIR", help="default: runs")
    group.add_argument(
        "--metadata", metavar="URI", help="lineage store: a SQLite file or mysql://…"
    )
    group.add_argument(
        "--beam",
        action="append",
        default=[],
        metavar="ARG",
        help="an option for Beam; may be repeated",
    )
    group.add_argument(
        "--fresh", action="store_true", help="run every step again, without the cache"
    )
    group.add_argument(
        "--promote",
        choices=PROMOTIONS,
        default="auto",
        help="hold: a blessed model waits for --approve instead of being pushed; default: auto",
    )
    group.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="K",
        help="after a push, delete all but the newest K versions; default: 0, keep all",
    )
    group.add_argument(
        "--quiet",
        action="store_true",
        help="print only how the run ended, and nothing if there was nothing new, as cron likes it",
    )
    group.add_argument(
        "--notify",
        default="",
        metavar="CMD",
        help="run this command, with the path of the run's summary as its last argument, if the "
        "model was refused or waits for approval, or the run failed",
    )


def _commands(group: argparse._ArgumentGroup) -> None:
    """Adds what `pipelines/local/commands` carries out."""
    group.add_argument(
        "--compare",
        nargs=2,
        metavar=("RUN_A", "RUN_B"),
        help="compare two runs of the task and exit; each is a run id, a run's folder, latest or "
        "previous",
    )
    group.add_argument(
        "--gc",
        type=int,
        metavar="KEEP",
        help="free the disk that neither the last KEEP nights nor any kept version needs, and exit",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="with --gc: only say what would be freed"
    )
    group.add_argument(
        "--history",
        nargs="?",
        const="",
        metavar="TASK",
        help="print the nights of a task or name and exit; default: those of --task or --name",
    )
    group.add_argument(
        "--json",
        action="store_true",
        help="with --history, --lineage or --trained-on: print JSON, for programs",
    )
    group.add_argument(
        "--lineage",
        metavar="MODEL_DIR|VERSION",
        help="print which data, code, settings and start a version was made from, and exit",
    )
    group.add_argument(
        "--rebuild",
        metavar="VERSION",
        help="train a version again from its data and compare the weights; exit code 0 if they are "
        "equal, else 1",
    )
    group.add_argument(
        "--trained-on", metavar="SPAN", help="list the models that a span has touched, and exit"
    )
    group.add_argument("--list", action="store_true", help="list the tasks and exit")
    _decisions(group)


def _decisions(group: argparse._ArgumentGroup) -> None:
    """Adds what a person decides about a version."""
    for name, what in (("approve", "push a held model"), ("refuse", "never push a held model")):
        group.add_argument(
            f"--{name}",
            nargs=2,
            metavar=("TASK", "VERSION"),
            help=f"{what}, with --by and --reason; VERSION may be latest",
        )
    group.add_argument(
        "--rollback",
        nargs="+",
        metavar=("TASK", "VERSION"),
        help="serve an earlier version again, or a withdrawn one, with --by and --reason; default: "
        "the version before",
    )
    group.add_argument("--by", default="", metavar="NAME", help="who decides")
    group.add_argument("--reason", default="", metavar="TEXT", help="why")
    group.add_argument(
        "--as-newest",
        action="store_true",
        help="with --approve: push a model that was held before the served one was pushed",
    )


def from_args(args: argparse.Namespace) -> RunConfig:
    """Returns the configuration of parsed arguments.

    Raises:
      BadInputError: If an option is wrong, or does not go with the others.
    """
    if args.json and args.history is None and not (args.lineage or args.trained_on):
        raise BadInputError("--json goes with --history, --lineage or --trained-on.")
    _check_decision(args)
    if args.dry_run and args.gc is None:
        raise BadInputError("--dry-run goes with --gc.")
    return RunConfig(
        task=args.task,
        name=args.name,
        data=args.data,
        root=os.path.abspath(args.root) if "://" not in args.root else args.root,
        settings=tuple(args.settings),
        weights=args.weights,
        max_rejected=args.max_rejected,
        on_drift=args.on_drift,
        metadata=args.metadata,
        beam=tuple(args.beam),
        fresh=args.fresh,
        tune=args.tune,
        promote=args.promote,
        keep=args.keep,
        quiet=args.quiet,
        notify=args.notify,
        start=args.start,
        window=args.window,
        evaluate=_located(args.evaluate),
    )


def _check_decision(args: argparse.Namespace) -> None:
    given = [f"--{n.replace('_', '-')}" for n in ("by", "reason", "as_newest") if getattr(args, n)]
    if given and not (args.approve or args.refuse or args.rollback):
        raise BadInputError(f"{given[0]} belongs to --approve, --refuse or --rollback.")


def _located(evaluate: str) -> str:
    """Returns a test set's absolute path; the names of choices and addresses stay as they are."""
    if evaluate in ("newest", "window") or "://" in evaluate:
        return evaluate
    return os.path.abspath(os.path.expanduser(evaluate))
