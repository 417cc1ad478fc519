"""Compiles, submits and schedules a task's pipeline on Vertex AI or Kubeflow Pipelines.

python pipelines/run_kubeflow.py compile --task NAME --target vertex|kubeflow …
"""

import argparse
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # As a script, Python puts this folder first on the path; the packages lie one above.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

try:
    from pipelines import chatter
    from pipelines.cloud import options as cloud_options
    from pipelines.cloud import targets
    from pipelines.cloud.fields import DECIDE
    from pipelines.cloud.platform_config import CloudConfig
    from pipelines.task_files import spelling
    from trainer_modules.engine.errors import BadInputError
except ModuleNotFoundError as missing:
    sys.exit(
        f"{missing.name} is not installed for {sys.executable}. Run `make install` once and then "
        "`.venv/bin/python pipelines/run_kubeflow.py`."
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    args = cloud_options.parser().parse_args(argv)
    try:
        config = cloud_options.config_from(args)
        _note(config)
        with chatter.redirected():
            if args.command == "compile":
                return _compile(config, args)
            if args.command == "upload":
                return _upload(config)
            if args.command == "doctor":
                from pipelines.cloud.doctor import command as doctor

                return doctor.run(config)
            return _run_command(config, args)
    except BadInputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; a submitted run continues", file=sys.stderr)
        return 130


def _note(config: CloudConfig) -> None:
    """Prints notes on images without a digest, and on a schema that is to be inferred."""
    schema = spelling.parse(config.task).schema_path
    if schema and not schema.exists():
        print(
            f"note: there is no schema at {schema}: each run infers one from its own data, and "
            "cannot notice that the data has changed. Put a reviewed one there",
            file=sys.stderr,
        )
    for image in (config.container.image, config.container.training_image):
        if image and "@sha256:" not in image:
            print(
                f"note: the image {image} has no digest (…@sha256:…): its content can change "
                "after a job is compiled",
                file=sys.stderr,
            )


def _compile(config: CloudConfig, args: argparse.Namespace) -> int:
    target = targets.find(config.target)
    ending = target.ending
    if args.output and not args.output.endswith(f".{ending}"):
        raise BadInputError(
            f"--output must end in .{ending}, the format that {config.target} reads. Received: "
            f"{args.output}"
        )
    folder = os.path.dirname(args.output or "")
    if folder and not os.path.isdir(folder):
        raise BadInputError(f"--output {args.output}: the folder {folder} does not exist.")
    from pipelines.cloud import compiler

    compiled = compiler.compile_job(config)
    output = args.output or f"{compiled.name}-{config.target}.{ending}"
    try:
        Path(output).write_text(target.text(compiled), encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"--output {output}: {error.strerror}.") from error
    print(f"compiled {compiled.name} for {config.target}: {output}")
    return 0


def _upload(config: CloudConfig) -> int:
    from pipelines.cloud import data as cloud_data

    work = config.work
    if not work.data:
        raise BadInputError("Name the destination of the data with --data: gs://… or a folder.")
    cloud_data.upload(work.task, work.data)
    print(f"the data of {work.task} is in {work.data}")
    return 0


def _run_command(config: CloudConfig, args: argparse.Namespace) -> int:
    """Runs the commands that need the platform; its failures are one paragraph, exit code 1."""
    from components.service_calls import ServiceError

    try:
        if args.command in DECIDE:
            from pipelines.cloud import decisions

            return decisions.run(config, args)
        from pipelines.cloud import commands

        return commands.run(config, args)
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
