"""Detects every added, removed or changed file, so that the cache stays correct."""

import hashlib
from typing import Any

from tfx.components.example_gen import driver, input_processor
from tfx.orchestration import data_types
from tfx.proto import range_config_pb2

from components.example_gen.readers import storage
from components.example_gen.readers.items import Reader
from components.example_gen.readers.layouts import reader_for
from components.example_gen.root import has_span, latest
from trainer_modules.engine.task import overrides


class Driver(driver.FileBasedDriver):
    """Driver of `ImageExampleGen`: TFX's span and version, and a fingerprint of its own."""

    _source = ""
    _problem = ""
    _columns = ""

    def resolve_exec_properties(
        self,
        exec_properties: dict[str, Any],
        pipeline_info: data_types.PipelineInfo,
        component_info: data_types.ComponentInfo,
    ) -> dict[str, Any]:
        """Adds span, version and fingerprint to the parameters."""
        self._source = exec_properties["source"]
        self._problem = exec_properties["problem"]
        self._columns = exec_properties["columns"]
        return super().resolve_exec_properties(exec_properties, pipeline_info, component_info)

    def get_input_processor(
        self,
        splits: Any,
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> input_processor.InputProcessor:
        """Returns the processor that finds the span and the fingerprint."""
        assert input_base_uri
        return InputProcessor(
            input_base_uri, splits, range_config, self._source, self._problem, self._columns
        )


class InputProcessor(input_processor.FileBasedInputProcessor):
    """Finds span and fingerprint, which covers every file that the reader may read."""

    def __init__(
        self,
        base: str,
        splits: Any,
        range_config: range_config_pb2.RangeConfig | None,
        source: str,
        problem: str,
        columns: str,
    ) -> None:
        super().__init__(base, splits, range_config)
        self._source, self._problem, self._columns = source, problem, columns
        self._pattern = self._found = ""

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """Returns the newest or the chosen span, and version; fingerprints its files."""
        self._pattern = self._found = self._splits[0].pattern.rpartition("/")[0]
        span, version = 0, None
        if has_span(self._pattern):
            self._found, span, version = latest(
                self._input_base_uri, self._pattern, self._range_config
            )
        root = storage.join(self._input_base_uri, self._found)
        source = overrides.from_json(self._source)
        columns = overrides.from_json(self._columns)
        reader = reader_for(root, source, overrides.from_json(self._problem), columns)
        self._fingerprint = of_files(reader)
        return span, version

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """Returns the pattern with the folder's actual name.

        TFX formats the number again and would turn `span-007` into `span-7`.
        """
        del span, version
        return pattern.replace(self._pattern, self._found, 1)


def of_files(reader: Reader) -> str:
    """Returns a hash of the names, sizes and times of all files under the reader's places."""
    digest = hashlib.sha256()
    count = total = 0
    for place in reader.places():
        digest.update(place.encode("utf-8", "surrogatepass") + b"\n")
        for entry in storage.files(place) if storage.is_folder(place) else [storage.entry(place)]:
            line = f"{entry.relative}\n{entry.size}\n{entry.modified}\n{entry.problem}\n"
            digest.update(line.encode("utf-8", "surrogatepass"))
            count += 1
            total += entry.size
    return f"files:{count},bytes:{total},sha256:{digest.hexdigest()[:32]}"
