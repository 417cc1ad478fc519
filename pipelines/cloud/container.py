"""The entry point of every container of a compiled pipeline: TFX's own, with adaptations.

    python -m pipelines.cloud.container --executor_class_path … --json_serialized_invocation_args …

It starts quickly (see `startup`), and does what open-source Kubeflow leaves to the container:
artifacts in `s3://` and `minio://` are on local paths that Kubeflow's launcher downloads and
uploads, and its driver passes more, and less, than TFX expects (see `container_contract`).
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from components.service_calls import ServiceError
from pipelines import startup
from pipelines.cloud import artifact_places, container_contract
from trainer_modules.engine.errors import BadInputError

# Where Kubeflow's launcher keeps the files of a store that TensorFlow cannot read by itself.
_LOCAL = {"s3://": "/s3/", "minio://": "/minio/"}


def main(argv: list[str] | None = None) -> int:
    """Runs one executor; returns the exit code."""
    args, beam = parse(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s  %(message)s"
    )
    startup.prepare()
    from absl import flags

    from components.report.artifacts import register_shown_types

    register_shown_types()
    flags.FLAGS.mark_as_parsed()
    given = json.loads(args.json_serialized_invocation_args)
    local = artifact_places.with_own_checkpoints(
        to_local(container_contract.to_tfx_input(given, args.json_serialized_inputs_spec_args))
    )
    make_folders(local)
    args.json_serialized_invocation_args = json.dumps(local)
    output_file = given["outputs"]["outputFile"]
    _equip_workers(beam)

    def work() -> None:
        artifact_places.check_inputs(local)
        _execute(args, beam)
        _rewrite(output_file)

    return reported(work)


def reported(work: Callable[[], None]) -> int:
    """Calls `work`; returns the exit code. Errors of the user are printed as one paragraph."""
    try:
        work()
    except BadInputError as error:
        logging.exception("bad input")
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ServiceError as error:
        logging.exception("the service refused")
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse(argv: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Returns TFX's own arguments and Beam's."""
    parser = argparse.ArgumentParser(prog="pipelines.cloud.container", allow_abbrev=False)
    parser.add_argument("--executor_class_path")
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    parser.add_argument("--writable", action="append", default=[])
    return parser.parse_known_args(argv)


def _equip_workers(beam: list[str]) -> None:
    """Passes Beam's plugins to the worker processes of its local runner.

    That runner does not pass the pipeline's options to them, but they read options from a file.
    """
    plugins = [a.partition("=")[2] for a in beam if a.startswith("--beam_plugins=")]
    if not plugins:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
        json.dump({"options": {"beam_plugins": plugins}}, f)
    os.environ["PIPELINE_OPTIONS_FILE"] = f.name


def _execute(args: argparse.Namespace, beam: list[str]) -> None:
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    kubeflow_v2_run_executor.main((args, beam))


def to_local(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Returns an `ExecutorInput` whose artifacts have URIs that TensorFlow can open."""
    return {
        **executor_input,
        **{
            side: _with_uris(executor_input[side], _LOCAL)
            for side in ("inputs", "outputs")
            if side in executor_input
        },
    }


def make_folders(executor_input: dict[str, Any]) -> None:
    """Creates the folders of output artifacts on file systems that have folders.

    TFX's own launcher does so, the platforms do not. For artifacts that the platforms display,
    which are single files, only the parent folder is created.
    """
    for output in executor_input["outputs"].get("artifacts", {}).values():
        for artifact in output.get("artifacts", []):
            uri = artifact["uri"]
            if "://" in uri:
                continue
            drawn = artifact.get("type", {}).get("schemaTitle", "").startswith("system.")
            os.makedirs(os.path.dirname(uri) if drawn else uri, exist_ok=True)


def to_remote(executor_output: dict[str, Any]) -> dict[str, Any]:
    """Returns an `ExecutorOutput` with the URIs that the platform knows."""
    return _with_uris(executor_output, {local: remote for remote, local in _LOCAL.items()})


def _with_uris(holder: dict[str, Any], prefixes: dict[str, str]) -> dict[str, Any]:
    artifacts = {
        key: {
            **channel,
            "artifacts": [
                _with_uri(artifact, prefixes) for artifact in channel.get("artifacts", [])
            ],
        }
        for key, channel in holder.get("artifacts", {}).items()
    }
    return {**holder, "artifacts": artifacts} if artifacts else holder


def _with_uri(artifact: dict[str, Any], prefixes: dict[str, str]) -> dict[str, Any]:
    uri = artifact.get("uri", "")
    for prefix, replacement in prefixes.items():
        if uri.startswith(prefix):
            return {**artifact, "uri": replacement + uri.removeprefix(prefix)}
    return artifact


def _rewrite(output_file: str) -> None:
    from tfx.dsl.io import fileio

    with fileio.open(output_file, "r") as f:
        written = json.loads(f.read())
    remote = to_remote(written)
    if remote != written:
        with fileio.open(output_file, "w") as f:
            f.write(json.dumps(remote))


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # All output is written. Shutting Python down while TensorFlow and Beam have threads can end
    # with "exception not rethrown", and a finished step would count as failed.
    os._exit(code)
