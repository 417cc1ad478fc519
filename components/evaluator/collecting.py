"""Collects the outcomes of single examples beside TFMA's metrics, in the same pass.

TFMA passes its extracts to every evaluator; this one keeps a few numbers of each and lets go of
the images and the predictions. What is kept does not depend on how Beam splits the examples.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators import evaluator
from tensorflow_model_analysis.extractors import extractor
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.writers import writer

from components.evaluator import outcomes
from components.evaluator.outcomes import OutcomeTable
from components.evaluator.report import slice_name
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.problems.kept_examples import random_rank
from trainer_modules.engine.problems.labels import single_text

# Kept of each model: at most this many examples, and this many numbers in all. Beyond, those with
# the lowest hash of the id stand for all.
MOST_EXAMPLES, MOST_NUMBERS = 200_000, 16_000_000
_KEY = "outcomes"
_ID_FEATURE = "id"
_BATCH = 512


@dataclass
class _Chunk:
    """Outcomes of some examples, in any order."""

    ids: list[str] = field(default_factory=list)
    slices: list[tuple[str, ...]] = field(default_factory=list)
    columns: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def taken(self, rows: list[int]) -> "_Chunk":
        return _Chunk(
            [self.ids[i] for i in rows],
            [self.slices[i] for i in rows],
            {key: values[rows] for key, values in self.columns.items()},
        )


@dataclass
class _Collected:
    """What a bundle has collected: chunks, and examples that are not yet numbers."""

    chunks: list[_Chunk] = field(default_factory=list)
    pending: list[tuple[str, tuple[str, ...], dict[str, tuple[Any, Any]]]] = field(
        default_factory=list
    )


class Collect(beam.CombineFn):
    """Collects outcomes; the result is one `_Chunk`, ordered by id.

    Args:
      problem: The problem.
      former: The baseline's classes where they differ; else ().
      models: TFMA's name of each model ("" if there is only one) → its name in the table.
    """

    def __init__(self, problem: Problem, former: tuple[str, ...], models: dict[str, str]) -> None:
        self._problem = problem
        self._former = former
        self._models = models

    def create_accumulator(self) -> _Collected:
        """Returns an empty accumulator."""
        return _Collected()

    def add_input(self, accumulator: _Collected, element: dict[str, Any]) -> _Collected:
        """Adds one of TFMA's extracts."""
        example = metric_types.StandardMetricInputs(element)
        given = (example.get_features() or {}).get(_ID_FEATURE)
        name = single_text(given) if given is not None else ""
        slices = tuple(
            sorted(slice_name(key) for key in element[tfma.SLICE_KEY_TYPES_KEY] if len(key))
        )
        answers = {
            table: (
                self._problem.truth(example.get_labels(model or None)),
                example.get_predictions(model or None),
            )
            for model, table in self._models.items()
        }
        accumulator.pending.append((name, slices, answers))
        return self._read(accumulator) if len(accumulator.pending) >= _BATCH else accumulator

    def _read(self, accumulator: _Collected) -> _Collected:
        """Turns pending examples into numbers."""
        pending, accumulator.pending = accumulator.pending, []
        if not pending:
            return accumulator
        columns: dict[tuple[str, str], np.ndarray] = {}
        for table in self._models.values():
            former = self._former if table == outcomes.BASELINE else ()
            labels, predictions = zip(*(answers[table] for _, _, answers in pending), strict=True)
            read = self._problem.tally(names=former).columns(list(labels), list(predictions))
            columns |= {(table, name): values for name, values in read.items()}
        ids, slices = [one[0] for one in pending], [one[1] for one in pending]
        accumulator.chunks.append(_Chunk(ids, slices, columns))
        if sum(len(chunk.ids) for chunk in accumulator.chunks) > 2 * self._limit(columns):
            accumulator.chunks = [self._chosen(accumulator.chunks)]
        return accumulator

    def _limit(self, columns: dict[tuple[str, str], np.ndarray]) -> int:
        numbers = sum(int(np.prod(values.shape[1:])) for values in columns.values())
        return min(MOST_EXAMPLES, max(1, MOST_NUMBERS // max(1, numbers)))

    def _chosen(self, chunks: list[_Chunk]) -> _Chunk:
        """Returns the examples that stay, ordered by id."""
        if not chunks:
            return _Chunk()
        keys = chunks[0].columns
        whole = _Chunk(
            [name for chunk in chunks for name in chunk.ids],
            [names for chunk in chunks for names in chunk.slices],
            {key: np.concatenate([chunk.columns[key] for chunk in chunks]) for key in keys},
        )
        rows, limit = list(range(len(whole.ids))), self._limit(whole.columns)
        if len(rows) > limit:
            rows = sorted(rows, key=lambda i: (random_rank(whole.ids[i]), whole.ids[i]))[:limit]
        # Ids are distinct, unless the source has none; then the outcomes themselves decide.
        unique = len(set(whole.ids)) == len(whole.ids)
        ties = {} if unique else {i: _bytes_of(whole, i) for i in rows}
        return whole.taken(sorted(rows, key=lambda i: (whole.ids[i], ties.get(i, b""))))

    def merge_accumulators(self, accumulators: Iterable[_Collected]) -> _Collected:
        """Returns the chunks of all parts."""
        read = [self._read(accumulator) for accumulator in accumulators]
        return _Collected([self._chosen([chunk for one in read for chunk in one.chunks])])

    def compact(self, accumulator: _Collected) -> _Collected:
        """Reads the pending examples, so that no predictions are sent between workers."""
        return self._read(accumulator)

    def extract_output(self, accumulator: _Collected) -> _Chunk:
        """Returns all kept examples in one chunk."""
        return self._chosen([chunk for chunk in self._read(accumulator).chunks if chunk.ids])


def _bytes_of(chunk: _Chunk, row: int) -> bytes:
    """Returns everything about one example in an order of its own."""
    values = [np.asarray(column[row]).tolist() for column in chunk.columns.values()]
    return repr((chunk.slices[row], values)).encode()


def outcomes_evaluator(
    problem: Problem, former: tuple[str, ...], models: dict[str, str]
) -> evaluator.Evaluator:
    """Returns the TFMA evaluator that collects; arguments as in `Collect`."""

    @beam.ptransform_fn
    def collect(extracts: Any) -> dict[str, Any]:
        collected = extracts | "Collect" >> beam.CombineGlobally(Collect(problem, former, models))
        return {_KEY: collected}

    return evaluator.Evaluator(
        stage_name="CollectOutcomes",
        run_after=extractor.LAST_EXTRACTOR_STAGE_NAME,
        ptransform=collect(),
    )


def outcomes_writer(folder: str, problem: Problem, former: tuple[str, ...]) -> writer.Writer:
    """Returns the TFMA writer of what `outcomes_evaluator` has collected."""
    return writer.Writer(
        stage_name="WriteOutcomes",
        ptransform=writer.Write(
            key=_KEY, ptransform=beam.Map(partial(_write, folder, problem, former))
        ),
    )


def _write(folder: str, problem: Problem, former: tuple[str, ...], chunk: _Chunk) -> None:
    models: dict[str, dict[str, np.ndarray]] = {}
    for (model, name), values in chunk.columns.items():
        models.setdefault(model, {})[name] = values
    outcomes.write(folder, OutcomeTable(problem, former, chunk.ids, chunk.slices, models))
