"""The driver that Vertex AI runs before it uses the reader's cache: span and fingerprint.

    python -m pipelines.cloud.container_driver --json_serialized_invocation_args …

It does what TFX's own (`kubeflow.v2.file_based_example_gen.driver`) does, which requires files on
every level of its patterns and ignores those below; the project's processor covers every file, and
TFX's driver takes no other.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from pipelines import startup
from pipelines.cloud import container


def main(argv: list[str] | None = None) -> int:
    """Runs the reader's driver; returns the exit code."""
    args, _ = container.parse(argv)
    startup.prepare()
    return container.reported(lambda: run_driver(args))


def run_driver(args: argparse.Namespace) -> None:
    """Writes the reader's parameters, span and fingerprint added, as an `ExecutorOutput`.

    Raises:
      BadInputError: If no data matches.
    """
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.components.example_gen.driver import update_output_artifact
    from tfx.dsl.io import fileio
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint
    from tfx.types import artifact_utils, standard_component_specs

    text = args.json_serialized_invocation_args
    given = pipeline_spec_pb2.ExecutorInput()
    json_format.Parse(text, given, ignore_unknown_fields=True)
    seen = look(json.loads(text)["inputs"]["parameterValues"])
    written = pipeline_spec_pb2.ExecutorOutput()
    json_format.ParseDict(
        {"parameterValues": {k: v for k, v in seen.items() if v is not None}}, written
    )
    names: dict[int, str] = {}
    outputs = entrypoint.parse_raw_artifact_dict(given.outputs.artifacts, names)
    key = standard_component_specs.EXAMPLES_KEY
    examples = artifact_utils.get_single_instance(outputs[key])
    update_output_artifact(seen, examples.mlmd_artifact)
    written.artifacts[key].artifacts.append(entrypoint.to_runtime_artifact(examples, names))
    fileio.makedirs(os.path.dirname(given.outputs.output_file))
    with fileio.open(given.outputs.output_file, "wb") as f:
        f.write(json_format.MessageToJson(written, sort_keys=True))


def look(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the newest span, version (or None), fingerprint, and patterns with all spans.

    Args:
      parameters: The reader's.

    Raises:
      BadInputError: If no data matches.
    """
    from tfx.components.example_gen import utils
    from tfx.proto import example_gen_pb2, range_config_pb2
    from tfx.types import standard_component_specs as keys
    from tfx.utils import proto_utils

    from components.example_gen.driver import InputProcessor

    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(parameters[keys.INPUT_CONFIG_KEY], config)
    wanted = None
    if parameters.get(keys.RANGE_CONFIG_KEY):
        wanted = range_config_pb2.RangeConfig()
        proto_utils.json_to_proto(parameters[keys.RANGE_CONFIG_KEY], wanted)
    processor = InputProcessor(
        parameters[keys.INPUT_BASE_KEY],
        config.splits,
        wanted,
        parameters,
    )
    span, version = processor.resolve_span_and_version()
    for split in config.splits:
        split.pattern = processor.get_pattern_for_span_version(split.pattern, span, version)
    processor.add_window(config)
    return {
        utils.SPAN_PROPERTY_NAME: span,
        utils.VERSION_PROPERTY_NAME: version,
        utils.FINGERPRINT_PROPERTY_NAME: processor.get_input_fingerprint(span, version),
        keys.INPUT_CONFIG_KEY: proto_utils.proto_to_json(config),
    }


if __name__ == "__main__":
    sys.exit(main())
