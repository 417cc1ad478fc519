"""The driver that Vertex AI runs before it uses the reader's cache: span and fingerprint.

    python -m pipelines.cloud.container_driver --json_serialized_invocation_args …

TFX's own driver requires files on every level of its patterns and ignores those below; the
project's driver covers every file.
"""

import argparse
import json
import sys
from typing import Any
from unittest import mock

from pipelines import startup
from pipelines.cloud import container


def main(argv: list[str] | None = None) -> int:
    """Runs the reader's driver; returns the exit code."""
    args, _ = container.parse(argv)
    startup.prepare()
    return container.reported(lambda: drive(args))


def drive(args: argparse.Namespace) -> None:
    """Writes the reader's parameters, span and fingerprint added, as an `ExecutorOutput`.

    Raises:
      BadInputError: If no data matches.
    """
    from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

    from components.example_gen.driver import InputProcessor

    given = json.loads(args.json_serialized_invocation_args)["inputs"]["parameterValues"]

    def processor(base: str, splits: Any, range_config: Any) -> InputProcessor:
        return InputProcessor(base, splits, range_config, given["source"], given["problem"])

    # TFX's driver offers no hook for another processor.
    with mock.patch.object(driver.input_processor, "FileBasedInputProcessor", processor):
        driver.main(args)


if __name__ == "__main__":
    sys.exit(main())
