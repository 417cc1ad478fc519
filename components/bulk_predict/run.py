"""Runs a batch inference over Beam: chunks of the input, parts of the output, joined at the end.

Each worker writes the part of its chunk to a temporary location next to the output. Once all parts
exist, they are joined in the order of the input and moved into place by a rename, so that the
output is written completely or not at all. Only the descriptions of chunks are passed to workers.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared

from components.bulk_predict import inputs, mask_files, model, outputs
from components.bulk_predict.inputs import Chunk, Entry, Keys
from components.bulk_predict.mask_files import Legend
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets, read

TABLE_IN_FOLDER = "predictions.csv"


@dataclass(frozen=True, kw_only=True)
class Job:
    """The workers' instructions.

    Attributes:
      model: The SavedModel's folder.
      parts: Folder of the parts.
      batch_size: Instances per call of the model.
      classes: The model's classes.
      columns: Columns of the CSV; () to write JSON Lines.
      top: How many classes JSON lists; None for all.
      masks: Folder for masks; "" where the model makes none.
      legend: Colours of the masks.
      maps: Classes to draw heat maps of.
      whole_names: See `mask_files.file_name`.
    """

    model: str
    parts: str
    batch_size: int
    classes: outputs.Classes
    columns: tuple[outputs.Column, ...] = ()
    top: int | None = None
    masks: str = ""
    legend: Legend | None = None
    maps: tuple[str, ...] = ()
    whole_names: bool = False


@dataclass(frozen=True)
class Outcome:
    """Counts of a run: all rows, rows with an error, the first errors, images converted to PNG."""

    rows: int
    errors: int
    first_errors: tuple[str, ...]
    converted: int = 0


class PredictChunk(beam.DoFn):
    """Predicts one chunk and writes its part."""

    def __init__(self, job: Job, shared: Shared) -> None:
        self._job = job
        self._shared = shared
        self._predictor: model.Predictor | None = None

    def setup(self) -> None:
        """Loads the model, once in a process."""
        self._predictor = self._shared.acquire(lambda: model.Predictor(self._job.model))

    def process(self, element: Chunk) -> Iterator[int]:
        """Writes the part of a chunk; yields its number of rows."""
        import tensorflow as tf

        job, predictor = self._job, self._predictor
        assert predictor is not None
        rows, errors, converted = 0, 0, 0
        first: list[str] = []
        part = part_file(job.parts, element.index)
        with tf.io.gfile.GFile(part, "wb") as f:
            for batch in model.prefetched(model.batches(inputs.read(element), job.batch_size)):
                lines: list[str] = []
                for entry, prediction in predictor.predict(batch):
                    entry, prediction = self._with_files(entry, prediction, batch[len(lines)])
                    if job.columns:
                        lines.append(outputs.csv_row(entry, prediction, job.columns, job.classes))
                    else:
                        lines.append(outputs.json_line(entry, prediction, job.classes, job.top))
                    if entry.error:
                        errors += 1
                        first = [*first, f"{entry.id}: {entry.error}"][:3]
                f.write("".join(lines).encode())
                rows += len(lines)
                converted += sum(entry.converted for entry in batch)
        # Written last, so its existence shows that the part is complete.
        with tf.io.gfile.GFile(f"{part}.json", "w") as f:
            about = {"rows": rows, "errors": errors, "converted": converted, "first_errors": first}
            f.write(json.dumps(about))
        yield rows

    def _with_files(
        self, entry: Entry, prediction: dict[str, Any], original: Entry
    ) -> tuple[Entry, dict[str, Any]]:
        """Writes the mask's files and names them in the prediction; other models need nothing."""
        job = self._job
        if not job.masks or not prediction:
            return entry, prediction
        assert job.legend is not None
        name = mask_files.file_name(entry.id, job.whole_names)
        png = prediction["mask_png"]
        try:
            mask_files.write(job.masks, name, png, original.content, job.legend)
            if job.maps:
                assert self._predictor is not None
                indices = [job.classes.names.index(label) for label in job.maps]
                maps = self._predictor.class_maps(original.content, indices)
                mask_files.write_maps(job.masks, name, dict(zip(job.maps, maps, strict=True)))
        except (OSError, ValueError) as e:
            return Entry(entry.id, None, f"its mask cannot be drawn: {e}", entry.true), {}
        return entry, {"mask": f"masks/{name}"}


def part_file(folder: str, index: int) -> str:
    """Returns the file of a chunk's part."""
    return os.path.join(folder, f"part-{index:06d}")


def predict(
    *,
    model_folder: str,
    data: str | list[Chunk],
    output: str,
    keys: Keys = Keys(),  # noqa: B008  (frozen)
    columns: str = "",
    top: int | None = None,
    maps: tuple[str, ...] = (),
    batch_size: int | None = None,
    beam_args: Iterable[str] = (),
    options: PipelineOptions | None = None,
    started: Callable[[str, int], None] | None = None,
) -> Outcome:
    """Predicts all of `data` into `output`.

    Args:
      model_folder: A SavedModel, or a folder of numbered versions: the highest is taken.
      data: See `inputs.chunks`; or the chunks themselves.
      output: A .csv or .jsonl file, or for masks a folder that does not exist yet.
      keys: Names inside TFRecords and CSV files.
      columns: See `outputs.columns`.
      top: How many classes to list; None for all in JSON Lines, and for CSV see
        `outputs.columns`.
      maps: Classes of a segmentation to draw heat maps of.
      batch_size: Instances per call of the model; None to choose by image size.
      beam_args: Options for Beam, as on a command line.
      options: The same, parsed, instead.
      started: Called with the folder of the parts and the number of chunks, for progress.

    Returns:
      The counts.

    Raises:
      BadInputError: If the model, the data, the columns or the output do not fit.
    """
    import tensorflow as tf

    folder = read.newest(model_folder)
    shared = Shared()
    # Loaded here to know its outputs; workers in this process share it.
    predictor = shared.acquire(lambda: model.Predictor(folder))
    makes_masks = "mask_png" in predictor.outputs
    check_output(output, makes_masks)
    classes = outputs.Classes(assets.classes(folder), assets.class_ids(folder))
    predictor.check_maps(maps, classes.names)
    chosen = outputs.columns(
        columns,
        outputs=predictor.outputs,
        classes=classes,
        labelled=bool(keys.label),
        top=top,
    )
    size = batch_size or model.batch_size(folder)
    chunks = inputs.chunks(data, keys, predictor.columns, size) if isinstance(data, str) else data
    output = output.rstrip("/") if "://" in output else os.path.abspath(output)
    parent, name = os.path.split(output)
    temporary = os.path.join(parent, f".{name}.{uuid.uuid4().hex[:8]}.tmp")
    job = Job(
        model=folder,
        parts=os.path.join(temporary, "parts"),
        batch_size=size,
        classes=classes,
        columns=() if output.endswith(".jsonl") else chosen,
        top=top,
        masks=os.path.join(temporary, "whole") if makes_masks else "",
        legend=_legend(folder, classes.names) if makes_masks else None,
        maps=maps,
        whole_names=_ambiguous(chunks),
    )
    try:
        tf.io.gfile.makedirs(job.parts)
        if started:
            started(job.parts, len(chunks))
        with beam.Pipeline(options=options or PipelineOptions(list(beam_args))) as pipeline:
            _ = (
                pipeline
                | "Chunks" >> beam.Create(chunks)
                | "Predict" >> beam.ParDo(PredictChunk(job, shared))
            )
        whole = os.path.join(temporary, "whole", *([TABLE_IN_FOLDER] if makes_masks else []))
        outcome = _join(job, len(chunks), whole)
        if makes_masks and job.legend is not None:
            mask_files.write_legend(job.masks, job.legend)
        tf.io.gfile.rename(os.path.join(temporary, "whole"), output, overwrite=not makes_masks)
        return outcome
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)


def check_output(output: str, makes_masks: bool) -> None:
    """Checks that `output` can be written.

    Raises:
      BadInputError: If its ending does not fit the model, or its place is missing or taken.
    """
    import tensorflow as tf

    is_file = output.endswith((".csv", ".jsonl"))
    if makes_masks == is_file:
        wanted = "a folder, for masks" if makes_masks else "a file ending in .csv or .jsonl"
        raise BadInputError(f"--output must be {wanted}. Received: {output}")
    folder = os.path.dirname(output.rstrip("/")) or "."
    if not tf.io.gfile.isdir(folder) and "://" not in output:
        raise BadInputError(f"--output {output}: the folder {folder} does not exist.")
    if makes_masks and tf.io.gfile.exists(output):
        raise BadInputError(
            f"--output {output} already exists. Name a new folder, or remove this one."
        )
    if not makes_masks and tf.io.gfile.isdir(output):
        raise BadInputError(f"--output {output} is a folder. Name a file.")


def _legend(folder: str, names: tuple[str, ...]) -> Legend:
    task = read.task(folder)
    return mask_files.legend(names, task.problem.colours if task else ())


def _ambiguous(chunks: list[Chunk]) -> bool:
    """Says whether two images differ in their ending alone."""
    names = [mask_files.file_name(name, whole=False) for c in chunks for name, _ in c.files]
    return len(set(names)) < len(names)


def progress(parts: str) -> tuple[int, int]:
    """Returns (rows written so far, whole parts so far)."""
    import tensorflow as tf

    done = [_read_json(path) for path in tf.io.gfile.glob(os.path.join(parts, "part-*.json"))]
    return sum(part["rows"] for part in done), len(done)


def _read_json(path: str) -> dict[str, Any]:
    import tensorflow as tf

    with tf.io.gfile.GFile(path) as f:
        text = f.read()
    document: dict[str, Any] = json.loads(text) if text else {"rows": 0}
    return document


def _join(job: Job, count: int, whole: str) -> Outcome:
    import tensorflow as tf

    rows, errors, converted = 0, 0, 0
    first: list[str] = []
    tf.io.gfile.makedirs(os.path.dirname(whole))
    with tf.io.gfile.GFile(whole, "wb") as out:
        if job.columns:
            out.write(outputs.header(job.columns).encode())
        for index in range(count):
            part = part_file(job.parts, index)
            info = _read_json(f"{part}.json")
            rows, errors = rows + info["rows"], errors + info["errors"]
            converted += info["converted"]
            first = [*first, *info["first_errors"]][:3]
            if not info["rows"]:
                # TensorFlow creates a file with its first write: without rows there is no file.
                continue
            with tf.io.gfile.GFile(part, "rb") as f:
                while block := f.read(1 << 22):
                    out.write(block)
    return Outcome(rows, errors, tuple(first), converted)
