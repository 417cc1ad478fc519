"""Detects every added, removed or changed file, so that the cache stays correct."""

import hashlib
from collections.abc import Mapping
from typing import Any

from tfx.components.example_gen import driver, input_processor
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.utils import proto_utils

from components.example_gen import places
from components.example_gen.readers import storage
from components.example_gen.readers.items import Reader
from components.example_gen.root import NEWEST, Span, add_window, has_span, spans_below
from trainer_modules.engine.task import overrides


class Driver(driver.FileBasedDriver):
    """Driver of `ImageExampleGen`: the window's spans, and a fingerprint of its own."""

    _given: Mapping[str, Any] = {}
    _processor: "InputProcessor | None" = None

    def resolve_exec_properties(
        self,
        exec_properties: dict[str, Any],
        pipeline_info: data_types.PipelineInfo,
        component_info: data_types.ComponentInfo,
    ) -> dict[str, Any]:
        """Adds spans, version and fingerprint to the parameters."""
        self._given = dict(exec_properties)
        resolved = super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
        config = example_gen_pb2.Input()
        proto_utils.json_to_proto(resolved["input_config"], config)
        assert self._processor
        self._processor.add_window(config)
        resolved["input_config"] = proto_utils.proto_to_json(config)
        return dict(resolved)

    def get_input_processor(
        self,
        splits: Any,
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> input_processor.InputProcessor:
        """Returns the processor that finds the spans and the fingerprint."""
        assert input_base_uri
        self._processor = InputProcessor(input_base_uri, splits, range_config, self._given)
        return self._processor


class InputProcessor(input_processor.FileBasedInputProcessor):
    """Finds spans and fingerprint, which covers every file that the readers may read."""

    def __init__(
        self,
        base: str,
        splits: Any,
        range_config: range_config_pb2.RangeConfig | None,
        parameters: Mapping[str, Any],
    ) -> None:
        """Initialises the processor with the component's parameters."""
        super().__init__(base, splits, range_config)
        self._parameters = parameters
        self._pattern = ""
        self._spans: list[Span] = []

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """Returns the newest or the chosen span, and version; fingerprints the window's files."""
        self._pattern = self._splits[0].pattern.rpartition("/")[0]
        base, spans = storage.join(self._input_base_uri, self._pattern), [Span()]
        if has_span(self._pattern):
            base = self._input_base_uri
            window = self._parameters.get("window") or NEWEST
            spans = self._spans = spans_below(base, self._pattern, window, self._range_config)
        found = places.find(
            base,
            spans,
            overrides.from_json(self._parameters["source"]),
            overrides.from_json(self._parameters["problem"]),
            overrides.from_json(self._parameters["columns"]),
            evaluate=self._parameters.get("evaluate") or places.NEWEST,
        )
        self._fingerprint = of_files(*(place.reader for place in found))
        return spans[-1].number, spans[-1].version

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """Returns the pattern with the folder's actual name.

        TFX formats the number again and would turn `span-007` into `span-7`.
        """
        del span, version
        newest = self._spans[-1].folder if self._spans else self._pattern
        return pattern.replace(self._pattern, newest, 1)

    def add_window(self, config: example_gen_pb2.Input) -> None:
        """Adds the window's spans to the patterns, for the executor and the cache's key."""
        add_window(config, self._spans)


def of_files(*readers: Reader) -> str:
    """Returns a hash of the names, sizes and times of all files under the readers' places."""
    digest = hashlib.sha256()
    count = total = 0
    for place in (place for reader in readers for place in reader.places()):
        digest.update(place.encode("utf-8", "surrogatepass") + b"\n")
        for entry in storage.files(place) if storage.is_folder(place) else [storage.entry(place)]:
            line = f"{entry.relative}\n{entry.size}\n{entry.modified}\n{entry.problem}\n"
            digest.update(line.encode("utf-8", "surrogatepass"))
            count += 1
            total += entry.size
    return f"files:{count},bytes:{total},sha256:{digest.hexdigest()[:32]}"
