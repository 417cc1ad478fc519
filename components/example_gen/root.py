"""The data root as TFX's example-generating components carry it: a base and a pattern.

`{SPAN}`, `{VERSION}`, `{YYYY}`, `{MM}` and `{DD}` in a data root mean what they mean there: the
driver fills in the latest.
"""

from typing import Any

from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from components.example_gen import storage

_PLATFORM_DEPTH = 4


def split_root(data: str) -> tuple[str, example_gen_pb2.Input]:
    """Returns (base, input config) of a data root.

    Vertex AI runs TFX's own driver, which fingerprints what the patterns match. They cover files
    down to four folders deep; the driver of local runs looks at every file.
    """
    folders = data.rstrip("/").split("/") if data != "/" else [""]
    fixed = next((i for i, part in enumerate(folders) if "{" in part), len(folders))
    base = "/".join(folders[:fixed]) or "/"
    rest = "/".join(folders[fixed:])
    patterns = [storage.join(rest, *["*"] * depth) for depth in range(1, _PLATFORM_DEPTH + 1)]
    splits = [
        example_gen_pb2.Input.Split(name=f"depth-{depth}", pattern=pattern)
        for depth, pattern in enumerate(patterns, start=1)
    ]
    return base, example_gen_pb2.Input(splits=splits)


def data_root(exec_properties: dict[str, Any]) -> str:
    """Returns the data root of a component's parameters, after its driver filled in the span."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties["input_config"], config)
    rest = config.splits[0].pattern.rpartition("/")[0]
    return storage.join(exec_properties["input_base"], rest)
