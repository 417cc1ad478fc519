"""The data root in the form of TFX's example-generating components: a base and a pattern.

`{SPAN}`, `{VERSION}`, `{YYYY}`, `{MM}` and `{DD}` in a data root have the same meaning as in TFX:
the driver fills in the latest.
"""

from typing import Any

from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.utils import proto_utils

from components.example_gen.readers import storage
from trainer_modules.engine.errors import BadInputError

_PLATFORM_DEPTH = 4


def has_span(data: str) -> bool:
    """Says whether a data root holds a placeholder."""
    return "{" in data


def latest(
    base: str, rest: str, range_config: range_config_pb2.RangeConfig | None = None
) -> tuple[str, int, int | None]:
    """Finds the newest span, and of it the newest version.

    Args:
      base: The folders in front of the first placeholder.
      rest: The others, with placeholders.
      range_config: A span to use instead, in TFX's form.

    Returns:
      `rest` with the folder's actual name, the span's number (of a date, the days since
      1970-01-01), and the version's.

    Raises:
      BadInputError: If no folder matches, or a matching one has no number there.
    """
    from tfx.components.example_gen import utils

    split = example_gen_pb2.Input.Split(name="root", pattern=rest)
    try:
        _, span, version = utils.calculate_splits_fingerprint_span_and_version(
            base, [split], range_config
        )
    except ValueError as error:
        raise BadInputError(
            f"No folder matches {storage.join(base, rest)}: {error}. {{SPAN}} and {{VERSION}} "
            "stand for numbers, {YYYY}, {MM} and {DD} together for a date; each matching "
            "folder must contain them."
        ) from error
    return split.pattern, span, version


def latest_root(data: str) -> str:
    """Returns a data root with the newest span and version filled in.

    Raises:
      BadInputError: See `latest`.
    """
    if not has_span(data):
        return data
    base, rest = _split(data)
    return storage.join(base, latest(base, rest)[0])


def split_root(data: str) -> tuple[str, example_gen_pb2.Input]:
    """Returns (base, input config) of a data root.

    A platform that runs TFX's own driver fingerprints what the patterns match, which cover files
    down to four folders deep; the project's driver covers every file.
    """
    base, rest = _split(data)
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


def _split(data: str) -> tuple[str, str]:
    """Returns the folders in front of the first placeholder, and the others."""
    folders = data.rstrip("/").split("/") if data != "/" else [""]
    fixed = next((i for i, part in enumerate(folders) if has_span(part)), len(folders))
    return "/".join(folders[:fixed]) or "/", "/".join(folders[fixed:])
