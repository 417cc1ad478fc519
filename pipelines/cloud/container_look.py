"""The step that inspects external data on open-source Kubeflow before the cache is consulted.

    python -m pipelines.cloud.container_look data|served --json_serialized_invocation_args …

Its findings become output parameters, which are parameters of the reading step (`kubeflow_looks`).
So it must be quick, and its output must be the same as long as nothing has changed.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from pipelines import startup
from pipelines.cloud import container, container_driver, mounted_folders

Seen = dict[str, Any]


def main(argv: list[str] | None = None) -> int:
    """Inspects and writes the findings; returns the exit code."""
    what, *rest = sys.argv[1:] if argv is None else argv
    args, _ = container.parse(rest)
    startup.prepare()

    def work() -> None:
        mounted_folders.check(args.writable)
        _LOOKS[what](args)

    return container.reported(work)


def _data(args: Namespace) -> None:
    """Writes span and fingerprint of the data, and the patterns with the span filled in."""
    given = json.loads(args.json_serialized_invocation_args)
    _write(args, container_driver.look(given["inputs"]["parameterValues"]))


def _served(args: Namespace) -> None:
    """Writes which served version to compare with: the newest that is not the candidate itself."""
    from components.pusher.served_versions import newest_but
    from pipelines.cloud.container_contract import to_tfx_input

    given = json.loads(args.json_serialized_invocation_args)
    local = container.to_local(to_tfx_input(given, args.json_serialized_inputs_spec_args))["inputs"]
    (candidate,) = local["artifacts"]["candidate"]["artifacts"]
    folder = newest_but(candidate["uri"], local["parameterValues"]["serving_folder"])
    _write(args, {"version": folder or ""})


def _write(args: Namespace, seen: Seen) -> None:
    outputs = json.loads(args.json_serialized_invocation_args)["outputs"]
    with open(outputs["outputFile"], "w", encoding="utf-8") as f:
        json.dump({"parameterValues": {key: seen[key] for key in outputs["parameters"]}}, f)


_LOOKS: dict[str, Callable[[Namespace], None]] = {"data": _data, "served": _served}


if __name__ == "__main__":
    sys.exit(main())
