"""The data root in the form of TFX's example-generating components: a base and a pattern.

`{SPAN}`, `{VERSION}`, `{YYYY}`, `{MM}` and `{DD}` in a data root have the same meaning as in TFX:
the driver fills in the latest.
"""

from dataclasses import dataclass
from typing import Any

from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.utils import proto_utils

from components.example_gen.readers import storage
from trainer_modules.engine.errors import BadInputError

NEWEST, ALL = "newest", "all"
_PLATFORM_DEPTH = 4
# The driver tells the executor the spans of the window as further patterns.
_WINDOW = "window"


def has_span(data: str) -> bool:
    """Says whether a data root holds a placeholder."""
    return "{" in data


@dataclass(frozen=True, kw_only=True)
class Span:
    """One delivery of data.

    Attributes:
      folder: Its folder below the fixed part of the data root, as it is called; "" where the data
        root has no placeholders.
      number: Of a date, the days since 1970-01-01; 0 where there are no placeholders.
      version: The version's number, or None where the data root has no {VERSION}.
    """

    folder: str = ""
    number: int = 0
    version: int | None = None


def window_size(window: str) -> int | None:
    """Returns how many spans a window holds, None for all.

    Args:
      window: `newest`, `all` or a number of at least 1.

    Raises:
      BadInputError: If it is none of these.
    """
    if window in (NEWEST, ALL):
        return 1 if window == NEWEST else None
    if not window.isdecimal() or int(window) < 1:
        raise BadInputError(
            f"--window must be {NEWEST}, {ALL} or a number of spans of at least 1. "
            f"Received: {window}"
        )
    return int(window)


def spans_below(
    base: str,
    rest: str,
    window: str = NEWEST,
    range_config: range_config_pb2.RangeConfig | None = None,
) -> list[Span]:
    """Finds the spans of a window, oldest first, and of each the newest version.

    Args:
      base: The folders in front of the first placeholder.
      rest: The others, with placeholders.
      window: See `window_size`; it ends at the newest span, or at the chosen one.
      range_config: The span at which the window ends, in TFX's form; None for the newest.

    Raises:
      BadInputError: If no folder matches, a matching one has no number there, or two have the same.
    """
    from tfx.components.example_gen import utils

    size = window_size(window)
    split = example_gen_pb2.Input.Split(name="root", pattern=rest)
    last = None
    if range_config and range_config.HasField("static_range"):
        last = range_config.static_range.end_span_number
    by_number: dict[int, Span] = {}
    try:
        # TFX offers the newest span only; the functions below are those with which it finds it.
        kinds = utils.verify_split_pattern_specs(split)
        if not (kinds[0] or kinds[1]):
            raise ValueError("the path has neither a span nor a date")
        pattern, regex = utils._create_matching_glob_and_regex(base, split, *kinds, None)
        for path in sorted(fileio.glob(pattern)):
            _, number, _, version = utils._find_matched_span_version_from_path(path, regex, *kinds)
            folder = path.removeprefix(base).lstrip("/")
            known = by_number.get(number)
            if known and known.version == version:
                raise ValueError(f"{known.folder} and {folder} have the same number")
            if known is None or version > known.version:
                by_number[number] = Span(folder=folder, number=number, version=version)
        wanted = [n for n in sorted(by_number) if last is None or n <= last]
        if not wanted or (last is not None and wanted[-1] != last):
            raise ValueError(
                "Cannot find matching folders" + ("" if last is None else f" for span {last}")
            )
    except ValueError as error:
        raise BadInputError(
            f"No folder matches {storage.join(base, rest)}: {error}. {{SPAN}} and {{VERSION}} "
            "stand for numbers, {YYYY}, {MM} and {DD} together for a date; each matching "
            "folder must contain them."
        ) from error
    return [by_number[n] for n in wanted[-size if size else 0 :]]


def spans_of(data: str, window: str = NEWEST) -> tuple[str, list[Span]]:
    """Returns the fixed part of a data root, and the spans of a window, oldest first.

    Without placeholders, the one span has no name.

    Raises:
      BadInputError: See `spans_below`.
    """
    window_size(window)
    if not has_span(data):
        return data, [Span()]
    base, rest = _split(data)
    return base, spans_below(base, rest, window)


def latest_root(data: str) -> str:
    """Returns a data root with the newest span and version filled in.

    Raises:
      BadInputError: See `spans_below`.
    """
    base, found = spans_of(data)
    return storage.join(base, found[-1].folder)


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


def add_window(config: example_gen_pb2.Input, spans: list[Span]) -> None:
    """Adds the spans that the driver found to the patterns that the executor receives."""
    for span in spans:
        name = ":".join(
            (_WINDOW, str(span.number), "" if span.version is None else f"{span.version}")
        )
        config.splits.add(name=name, pattern=span.folder)


def given_spans(exec_properties: dict[str, Any]) -> tuple[str, list[Span]]:
    """Returns what `spans_of` does, of a component's parameters after its driver has run."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties["input_config"], config)
    found = []
    for split in config.splits:
        kind, *numbers = split.name.split(":")
        if kind == _WINDOW:
            number, version = numbers
            found.append(
                Span(
                    folder=split.pattern,
                    number=int(number),
                    version=int(version) if version else None,
                )
            )
    base = exec_properties["input_base"]
    if found:
        return base, found
    rest = config.splits[0].pattern.rpartition("/")[0]
    return storage.join(base, rest), [Span()]


def _split(data: str) -> tuple[str, str]:
    """Returns the folders in front of the first placeholder, and the others."""
    folders = data.rstrip("/").split("/") if data != "/" else [""]
    fixed = next((i for i, part in enumerate(folders) if has_span(part)), len(folders))
    return "/".join(folders[:fixed]) or "/", "/".join(folders[fixed:])
