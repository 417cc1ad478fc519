"""Runs readers over Beam; memory does not grow with the size of the images.

The data is read twice. The first pass sends only hashes through Beam's grouping and finds exact
duplicates; the second decodes each example and writes it from where it was read. Images never pass
through a shuffle, which Beam's local runner keeps in memory. What an earlier night has read and
written is neither read nor written again.
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

from components import shard_store
from components.example_gen import (
    duplicates,
    hashing,
    judged,
    known_splits,
    manifest,
    places,
    root,
    shard_files,
    summary,
    writing,
)
from components.example_gen.manifest import Part
from components.example_gen.memory import Memory
from components.example_gen.places import Place
from components.example_gen.readers import storage
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
        evaluate = exec_properties.get("evaluate") or places.NEWEST
        base, spans = root.given_spans(exec_properties)
        read = places.find(
            base,
            spans,
            overrides.from_json(exec_properties["source"]),
            problem,
            overrides.from_json(exec_properties["columns"]),
            evaluate=evaluate,
            code=exec_properties.get("code_fingerprint", ""),
        )
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        rejected = artifact_utils.get_single_instance(output_dict["rejected"])
        own_split = judged.has_own_split(read, evaluate)
        splits = [*places.all_splits(read), *([places.JUDGED] if own_split else [])]
        examples.split_names = artifact_utils.encode_split_names(splits)
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        folders = {split: artifact_utils.get_split_uri([examples], split) for split in splits}
        memory = Memory(exec_properties.get("store", ""))
        for store in (memory.digests, memory.examples):
            shard_store.sweep(store)
        work = storage.join(rejected.uri, "parts")
        with self._make_beam_pipeline() as pipeline:
            parts = ingest(pipeline, read, problem, work=work, folders=folders, memory=memory)
        conclude(work, parts, read, folder=rejected.uri, folders=folders, memory=memory)


def ingest(
    pipeline: beam.Pipeline,
    read: tuple[Place, ...],
    problem: Problem,
    *,
    work: str,
    folders: dict[str, str],
    memory: Memory,
) -> list[Part]:
    """Adds reading, checking and writing to a pipeline.

    Args:
      pipeline: A Beam pipeline.
      read: The places to read.
      problem: What is learnt.
      work: An empty folder for lists and counts; `conclude` reads it afterwards.
      folders: Split → folder of its Examples.
      memory: Of earlier nights.

    Returns:
      The parts that the data was cut into.
    """
    parts = manifest.write(read, work, memory)
    known_splits.bring(work, read, memory)
    for folder in folders.values():
        fileio.makedirs(folder)
    chosen = pipeline | "Parts" >> beam.Create(parts) | beam.Reshuffle()
    within = read[0].reader.drops_within_split
    drops = (
        chosen
        | "Hash" >> beam.FlatMap(_fingerprints, read, work, memory)
        | "ByContent" >> beam.GroupByKey()
        | "Duplicates" >> beam.FlatMap(_decide, problem, within, work)
    )
    _ = chosen | "CheckAndWrite" >> beam.Map(
        _write_part, read, problem, work, folders, memory, beam.pvalue.AsDict(drops)
    )
    return parts


def conclude(
    work: str,
    parts: list[Part],
    read: tuple[Place, ...],
    *,
    folder: str,
    folders: dict[str, str],
    memory: Memory,
) -> dict[str, Any]:
    """Writes the lists and counts of all parts, and remembers the parts for the next night.

    Args:
      work: As given to `ingest`, whose pipeline has run.
      parts: What `ingest` returned.
      read: The places that were read.
      folder: Of the `rejected` artifact.
      folders: Split → folder of its Examples.
      memory: Of earlier nights.

    Returns:
      The summary.

    Raises:
      BadInputError: If there are no examples.
    """
    of_span = ""
    if places.JUDGED in folders and not any(place.fixed for place in read):
        of_span = judged.add(work, parts, read, folders[places.JUDGED], folders)
    counts = summary.gather(work, parts, read, folder, judged=of_span)
    if not sum(counts["counts"].values()) + counts["rejected"]:
        raise BadInputError(f"{', '.join(p.name for p in read)}: there are no examples.")
    shard_files.fill_empty(folders)
    for position, place in enumerate(read):
        memory.remember(place, [part.key for part in parts if part.place == position])
    known_splits.keep(work, parts, read, memory)
    fileio.rmtree(work)
    return counts


# Beam compares annotations with issubclass, which a Protocol with attributes does not allow.
def _fingerprints(
    part: Part, read: Any, work: str, memory: Memory
) -> Iterator[tuple[bytes, duplicates.Copy]]:
    return hashing.fingerprints(read[part.place], part, work, memory)


def _decide(
    group: tuple[bytes, Iterable[duplicates.Copy]], problem: Any, within_split: bool, work: str
) -> list[tuple[str, duplicates.Drop | duplicates.Relabel]]:
    digest, copies = group
    return duplicates.decide(
        copies,
        within_split=within_split,
        unite=problem.merged_label,
        seen=known_splits.of_work(work).get(digest),
    )


def _write_part(
    part: Part,
    read: Any,
    problem: Any,
    work: str,
    folders: dict[str, str],
    memory: Memory,
    drops: dict[str, duplicates.Drop | duplicates.Relabel],
) -> None:
    writing.write_part(read[part.place], problem, work, part, folders, memory, drops)
