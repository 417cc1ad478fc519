"""The command line of `run_kubeflow.py`."""

import argparse
import dataclasses
from typing import Any

from pipelines.cloud import config as cloud_config
from pipelines.cloud import notifications
from pipelines.cloud.config import CloudConfig
from pipelines.cloud.vertex import serving as vertex_serving
from trainer_modules.engine.errors import BadInputError

_REPEATED = ("settings", "beam", "beam_on", "volumes", "secrets", "notify_email")
# Fields that have a different form as an option, or no option.
_OTHERWISE = ("labels", "node_selector", "root", "metadata")


def parser() -> argparse.ArgumentParser:
    """Returns the parser of `run_kubeflow.py`."""
    top = argparse.ArgumentParser(
        prog="run_kubeflow.py",
        description="Compile a task's pipeline for Vertex AI or Kubeflow Pipelines, "
        "submit it, and schedule it.",
        epilog="Exit codes: 0 done; 1 the run or the service failed; 2 bad input or usage; "
        "3 the run succeeded and its model is not blessed (submit --wait).",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compiling = commands.add_parser("compile", help="write the compiled job to a file")
    compiling.add_argument("--output", metavar="FILE", help="default: <task>-<target>.json|yaml")
    submitting = commands.add_parser("submit", help="compile and run once")
    submitting.add_argument("--wait", action="store_true", help="wait until the run ends")
    scheduling = commands.add_parser("schedule", help="compile, and run at scheduled times")
    scheduling.add_argument("--cron", required=True, metavar="'0 3 * * 1'")
    scheduling.add_argument("--timezone", default="UTC", metavar="Europe/Berlin")
    scheduling.add_argument("--max-concurrent", type=int, default=1, metavar="N")
    scheduling.add_argument("--start", metavar="2030-01-31T03:00:00")
    scheduling.add_argument("--end", metavar="2030-12-31T03:00:00")
    scheduling.add_argument(
        "--schedule", metavar="NAME", help="the schedule's own name; default: the pipeline's"
    )
    uploading = commands.add_parser("upload", help="upload a task's own data to the cloud")
    uploading.add_argument("--task", metavar="NAME")
    uploading.add_argument("--data", metavar="gs://…|/PATH")
    doctoring = commands.add_parser("doctor", help="check what would stop a first run")
    for command in (submitting, scheduling):
        command.add_argument("--span", type=int, help="the data span to train on; default: latest")
        command.add_argument("--no-cache", dest="fresh", action="store_true", default=None)
    for command in (compiling, submitting, scheduling, doctoring):
        _add_pipeline(command)
    for name, line in (
        ("list", "show schedules"),
        ("pause", "stop a schedule for now"),
        ("resume", "resume a paused schedule"),
        ("delete", "delete a schedule"),
    ):
        command = commands.add_parser(name, help=line)
        _add_place(command)
        if name != "list":
            command.add_argument("schedule", metavar="NAME", help="the schedule's name")
    for command in commands.choices.values():
        command.add_argument(
            "--config",
            metavar="FILE.toml|yaml",
            help="a TOML or YAML file with values for any option",
        )
        if command not in (compiling, uploading, doctoring):
            command.add_argument(
                "--dry-run", action="store_true", help="print the request without sending it"
            )
    return top


def _add_place(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("where")
    group.add_argument("--target", metavar="vertex|kubeflow", help="default: vertex")
    for option, line in (
        ("--project", "Google Cloud project"),
        ("--region", "Google Cloud region"),
        ("--endpoint", "address of the Vertex AI API, for private endpoints"),
        ("--host", "address of the Kubeflow Pipelines API"),
        ("--namespace", "namespace of the Kubeflow profile"),
        ("--experiment", "Kubeflow experiment; default: the pipeline's name"),
    ):
        group.add_argument(option, help=line)


def _add_pipeline(command: argparse.ArgumentParser) -> None:
    _add_place(command)
    what = command.add_argument_group("what")
    what.add_argument("--task", metavar="NAME")
    what.add_argument(
        "--name",
        metavar="NAME",
        help="name of the pipeline and the served model; default: the task's",
    )
    what.add_argument("--data", metavar="gs://…|/PATH", help="the task's data; may contain {SPAN}")
    what.add_argument(
        "--layout", metavar="CLASS", help="layout of the data; default: the task's first"
    )
    what.add_argument("--set", dest="settings", action="append", metavar="KEY=VALUE")
    what.add_argument("--weights", metavar="imagenet|none|PATH")
    what.add_argument("--max-rejected", type=float, metavar="SHARE")
    place = command.add_argument_group("how")
    for option, line in (
        ("--pipeline-root", "gs://…, s3://…, minio://… or a mounted folder"),
        ("--serving-root", "where models are pushed; default: <pipeline root>/serving"),
        ("--image", "container image, preferably with its digest"),
        ("--training-image", "container image for training; default: --image"),
        ("--service-account", "service account that the steps run as"),
        ("--network", "VPC network to peer with"),
        ("--encryption-key", "Cloud KMS key (CMEK)"),
        ("--cpu", "CPUs of a step"),
        ("--memory", "memory of a step, for example 16G"),
    ):
        place.add_argument(option, help=line)
    place.add_argument("--label", dest="labels", action="append", metavar="KEY=VALUE")
    place.add_argument("--volume", dest="volumes", action="append", metavar="CLAIM=/PATH")
    place.add_argument("--secret", dest="secrets", action="append", metavar="SECRET:KEY=VARIABLE")
    training = command.add_argument_group("training")
    training.add_argument(
        "--tune", type=int, metavar="N", help="search hyperparameters in N trials first"
    )
    training.add_argument("--accelerator", metavar="cpu|nvidia-t4:2|tpu-v5e-8|…")
    training.add_argument("--spot", action="store_true", default=None)
    training.add_argument("--reservation", metavar="NAME")
    training.add_argument("--disk-gb", type=int, metavar="GB")
    training.add_argument("--timeout-hours", type=int, metavar="H")
    vertex_serving.add_options(command)
    notifications.add_options(command)
    beam = command.add_argument_group("Beam")
    beam.add_argument("--beam-runner", metavar="direct|dataflow")
    beam.add_argument("--beam-on", action="append", metavar="COMPONENT=RUNNER")
    beam.add_argument(
        "--beam-workers", type=int, metavar="N", help="number of workers; 0: one for each core"
    )
    beam.add_argument("--beam-machine", metavar="n2-standard-4")
    beam.add_argument("--beam-max-workers", type=int, metavar="N")
    beam.add_argument("--beam-image", metavar="IMAGE")
    beam.add_argument("--beam-region", metavar="REGION")
    beam.add_argument(
        "--beam", action="append", metavar="ARG", help="an option for Beam; may be repeated"
    )


def config_from(args: argparse.Namespace) -> CloudConfig:
    """Returns the configuration of parsed arguments and the file they name.

    Raises:
      BadInputError: If a value is wrong.
    """
    given = vars(args)
    options: dict[str, Any] = {}
    for name in (f.name for f in dataclasses.fields(CloudConfig)):
        if name in _REPEATED:
            options[name] = tuple(given[name]) if given.get(name) else None
        elif name not in _OTHERWISE:
            options[name] = given.get(name)
    if given.get("labels"):
        options["labels"] = dict(_pair(label) for label in given["labels"])
    return cloud_config.build(options, given.get("config"))


def _pair(label: str) -> tuple[str, str]:
    key, equals, value = label.partition("=")
    if not equals or not key:
        raise BadInputError(f"--label must be KEY=VALUE. Received: {label!r}")
    return key, value
