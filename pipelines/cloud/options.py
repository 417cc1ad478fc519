"""The command line of `run_kubeflow.py`: the options of every platform's configuration."""

import argparse
from typing import Any

from pipelines.cloud import config as cloud_config
from pipelines.cloud import fields, targets
from pipelines.cloud.fields import (
    APPROVE,
    COMPILE,
    DECIDE,
    DOCTOR,
    MANAGE,
    REFUSE,
    ROLLBACK,
    SCHEDULE,
    SUBMIT,
    UPLOAD,
    Option,
)
from pipelines.cloud.platform_config import CloudConfig
from trainer_modules.engine.errors import BadInputError

_COMMANDS = {
    COMPILE: "write the compiled job to a file",
    SUBMIT: "compile and run once",
    SCHEDULE: "compile, and run at scheduled times",
    UPLOAD: "upload a task's own data to the cloud",
    DOCTOR: "check what would stop a first run",
    "list": "show schedules",
    "pause": "stop a schedule for now",
    "resume": "resume a paused schedule",
    "delete": "delete a schedule",
    APPROVE: "push a model that a run has held",
    REFUSE: "decide against a model that a run has held",
    ROLLBACK: "serve an earlier version again",
}


def parser() -> argparse.ArgumentParser:
    """Returns the parser of `run_kubeflow.py`."""
    top = argparse.ArgumentParser(
        prog="run_kubeflow.py",
        description="Compile a task's pipeline for a platform, submit it, and schedule it.",
        epilog="Exit codes: 0 done; 1 the run or the service failed; 2 bad input or usage; "
        "3 the run succeeded and its model is not blessed (submit --wait).",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, line in _COMMANDS.items():
        command = commands.add_parser(name, help=line)
        _add_own(command, name)
        command.add_argument(
            "--config",
            metavar="FILE.toml|yaml",
            help="a TOML or YAML file with values for any option",
        )
        if name != UPLOAD:
            command.add_argument(
                "--target",
                metavar="|".join(targets.MODULES),
                help=f"the platform; default: {targets.DEFAULT}",
            )
        for group, options in _groups(name).items():
            shown = command.add_argument_group(group)
            for option, of_targets in options:
                _add(shown, option, of_targets)
    return top


def _add_own(command: argparse.ArgumentParser, name: str) -> None:
    """Adds the options of one command that are no configuration."""
    if name == COMPILE:
        command.add_argument("--output", metavar="FILE", help="default: <task>-<target>.json|yaml")
    if name == SUBMIT:
        command.add_argument("--wait", action="store_true", help="wait until the run ends")
    if name == SCHEDULE:
        command.add_argument("--cron", required=True, metavar="'0 3 * * 1'")
        command.add_argument("--timezone", default="UTC", metavar="Europe/Berlin")
        command.add_argument("--max-concurrent", type=int, default=1, metavar="N")
        command.add_argument("--start", metavar="2030-01-31T03:00:00")
        command.add_argument("--end", metavar="2030-12-31T03:00:00")
        command.add_argument(
            "--schedule", metavar="NAME", help="the schedule's own name; default: the pipeline's"
        )
    if name in (SUBMIT, SCHEDULE):
        command.add_argument("--span", type=int, help="the data span to train on; default: latest")
    if name in MANAGE and name != "list":
        command.add_argument("schedule", metavar="NAME", help="the schedule's name")
    if name in DECIDE:
        command.add_argument(
            "version",
            metavar="VERSION",
            nargs="?" if name == ROLLBACK else None,
            help="default: the version before" if name == ROLLBACK else "its number, or latest",
        )
        command.add_argument("--by", required=True, metavar="NAME", help="who decides")
        command.add_argument("--reason", required=True, metavar="TEXT", help="why")
    if name == APPROVE:
        command.add_argument(
            "--as-newest",
            action="store_true",
            help="push a model that was held before the served one was pushed",
        )
    if name in (SUBMIT, SCHEDULE, *MANAGE):
        command.add_argument(
            "--dry-run", action="store_true", help="print the request without sending it"
        )


def _groups(command: str) -> dict[str, list[tuple[Option, list[str]]]]:
    """Returns title → the options of a command, each once, with the targets that have it."""
    command = COMPILE if command in DECIDE else command
    merged: dict[str, tuple[Option, list[str]]] = {}
    for target in targets.every():
        for key, option in fields.options(target.configuration).items():
            if option.flag and command in option.commands:
                merged.setdefault(key, (option, []))[1].append(target.name)
    groups: dict[str, list[tuple[Option, list[str]]]] = {}
    for option, of_targets in merged.values():
        groups.setdefault(option.part, []).append((option, of_targets))
    return groups


def _add(group: Any, option: Option, of_targets: list[str]) -> None:
    only = "" if len(of_targets) == len(targets.MODULES) else f" ({', '.join(of_targets)} only)"
    settings: dict[str, Any] = {
        "dest": option.key,
        "default": None,
        "help": f"{option.help}{only}".replace("%", "%%"),
    }
    if bool in option.kinds:
        group.add_argument(option.flag, action="store_true", **settings)
        return
    if tuple in option.kinds or dict in option.kinds:
        settings["action"] = "append"
    for kind in (int, float):
        if kind in option.kinds:
            settings["type"] = kind
    group.add_argument(option.flag, metavar=option.metavar, **settings)


def config_from(args: argparse.Namespace) -> CloudConfig:
    """Returns the configuration of parsed arguments and the file they name.

    Raises:
      BadInputError: If a value is wrong.
    """
    given = vars(args)
    values: dict[str, Any] = {cloud_config.TARGET: given.get(cloud_config.TARGET)}
    for options in _groups(args.command).values():
        for option, _ in options:
            values[option.key] = _typed(option, given[option.key])
    return cloud_config.build(values, given.get("config"))


def _typed(option: Option, value: Any) -> Any:
    """Returns what an option that was repeated becomes; other values as they are."""
    if value is None or not isinstance(value, list):
        return value
    if dict in option.kinds:
        return dict(_pair(option, text) for text in value)
    return tuple(value)


def _pair(option: Option, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise BadInputError(f"{option.flag} must be KEY=VALUE. Received: {text!r}")
    return key, value
