"""Runs a reader over Beam; memory does not grow with the number of images.

The data is read twice. The first pass sends only hashes through Beam's grouping and finds exact
duplicates; the second decodes each example and writes it from where it was read. Images never pass
through a shuffle, which Beam's local runner keeps in memory.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.example_gen import duplicates, manifest, summary, writing
from components.example_gen.readers import storage
from components.example_gen.readers.items import Reader
from components.example_gen.readers.layouts import reader_for
from components.example_gen.root import data_root
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task import overrides


class Executor(base_beam_executor.BaseBeamExecutor):
    """Executor of `ImageExampleGen`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the `examples` and `rejected` artifacts.

        Raises:
          BadInputError: If the data is missing, empty, or of another layout.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        problem = overrides.from_json(exec_properties["problem"])
        source = overrides.from_json(exec_properties["source"])
        columns = overrides.from_json(exec_properties["columns"])
        reader = reader_for(data_root(exec_properties), source, problem, columns)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        rejected = artifact_utils.get_single_instance(output_dict["rejected"])
        examples.split_names = artifact_utils.encode_split_names(list(reader.splits))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        folders = {
            split: artifact_utils.get_split_uri([examples], split) for split in reader.splits
        }
        with self._make_beam_pipeline() as pipeline:
            work = storage.join(rejected.uri, "parts")
            parts = ingest(pipeline, reader, problem, work=work, folders=folders)
        counts = summary.gather(work, parts, reader.splits, rejected.uri)
        fileio.rmtree(work)
        if not sum(counts["counts"].values()) + counts["rejected"]:
            raise BadInputError(f"{', '.join(reader.places())}: there are no examples.")


def ingest(
    pipeline: beam.Pipeline, reader: Reader, problem: Problem, *, work: str, folders: dict[str, str]
) -> int:
    """Adds reading, checking and writing to a pipeline.

    Args:
      pipeline: A Beam pipeline.
      reader: Of the data.
      problem: What is learnt.
      work: An empty folder for lists and counts; `summary.gather` reads it afterwards.
      folders: Split → folder of its Examples.

    Returns:
      How many parts the data was cut into.
    """
    parts = manifest.write(reader.items(), work, holds_many=reader.holds_many)
    for folder in folders.values():
        fileio.makedirs(folder)
    numbers = pipeline | "Parts" >> beam.Create(range(parts)) | beam.Reshuffle()
    drops = (
        numbers
        | "Hash" >> beam.FlatMap(_fingerprints, reader, work)
        | "ByContent" >> beam.GroupByKey()
        | "Duplicates" >> beam.FlatMap(_decide, problem, reader.drops_within_split)
    )
    _ = numbers | "CheckAndWrite" >> beam.Map(
        _write_part, reader, problem, work, folders, parts, beam.pvalue.AsDict(drops)
    )
    return parts


# Beam compares annotations with issubclass, which a Protocol with attributes does not allow.
def _fingerprints(part: int, reader: Any, work: str) -> Iterator[tuple[bytes, duplicates.Copy]]:
    return writing.fingerprints(reader, work, part)


def _decide(
    group: tuple[bytes, Iterable[duplicates.Copy]], problem: Any, within_split: bool
) -> list[tuple[str, duplicates.Drop | duplicates.Relabel]]:
    return duplicates.decide(group[1], within_split=within_split, unite=problem.merged_label)


def _write_part(
    part: int,
    reader: Any,
    problem: Any,
    work: str,
    folders: dict[str, str],
    of: int,
    drops: dict[str, duplicates.Drop | duplicates.Relabel],
) -> None:
    writing.write_part(reader, problem, work, part, folders, of, drops)
