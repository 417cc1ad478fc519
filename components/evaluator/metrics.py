"""The TFMA metric of this project, for every kind of problem.

The problem's tally does the arithmetic; this module runs it inside TFMA, over Beam and within
slices. It yields the tally's scalars by name and `details`, JSON with everything that a report
shows.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import tfx  # noqa: F401  (completes TFMA's names; must come before it)
from tensorflow_model_analysis.metrics import metric_types

from trainer_modules.engine.problems import KINDS, Problem
from trainer_modules.engine.problems.labels import single_text
from trainer_modules.engine.problems.tally import Tally
from trainer_modules.engine.task import serialisation

DETAILS = "details"
ID_FEATURE = "id"
# Prefix of metrics that count only the examples of shared classes.
SHARED = "shared/"
# Examples are counted in batches: NumPy then works on matrices, whatever Beam's bundles are.
_BATCH = 512


@dataclass
class _Accumulator:
    """A tally, and the examples that it has not counted yet."""

    tally: Tally
    labels: list[Any] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def count(self) -> "_Accumulator":
        if self.labels:
            self.tally.add(self.labels, self.predictions, self.ids)
            self.labels, self.predictions, self.ids = [], [], []
        return self


class TallyCombiner(beam.CombineFn):
    """Feeds one model's predictions to a tally.

    Args:
      new_tally: Makes an empty tally; picklable.
      model_name: TFMA's name of the model; "" if there is only one.
      read_label: Converts a raw label feature to the tally's input.
      prefix: Prefix of the names of the results.
    """

    def __init__(
        self,
        new_tally: Callable[[], Tally],
        model_name: str,
        read_label: Callable[[Any], Any],
        prefix: str = "",
    ) -> None:
        self._new_tally = new_tally
        self._model_name = model_name
        self._read_label = read_label
        self._prefix = prefix

    def create_accumulator(self) -> _Accumulator:
        """Returns an empty accumulator."""
        return _Accumulator(self._new_tally())

    def add_input(
        self, accumulator: _Accumulator, element: metric_types.StandardMetricInputs
    ) -> _Accumulator:
        """Adds one example."""
        name = self._model_name or None
        ids = (element.get_features() or {}).get(ID_FEATURE)
        accumulator.labels.append(self._read_label(element.get_labels(name)))
        accumulator.predictions.append(element.get_predictions(name))
        accumulator.ids.append(single_text(ids) if ids is not None else "")
        return accumulator.count() if len(accumulator.labels) >= _BATCH else accumulator

    def merge_accumulators(self, accumulators: Iterable[_Accumulator]) -> _Accumulator:
        """Returns the totals of all parts."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.tally.merge(accumulator.count().tally)
        return merged

    def compact(self, accumulator: _Accumulator) -> _Accumulator:
        """Counts the pending examples, so that no predictions are sent between workers."""
        return accumulator.count()

    def extract_output(self, accumulator: _Accumulator) -> dict[metric_types.MetricKey, Any]:
        """Returns scalars by name and the details as JSON bytes."""
        tally = accumulator.count().tally
        metrics: dict[str, Any] = dict(tally.metrics())
        metrics[DETAILS] = json.dumps(tally.details(), ensure_ascii=False).encode()
        return {
            metric_types.MetricKey(name=self._prefix + name, model_name=self._model_name): value
            for name, value in metrics.items()
        }


def _computations(
    new_tally: Callable[[], Tally],
    read_label: Callable[[Any], Any],
    name: str,
    model_names: list[str] | None,
    prefix: str = "",
) -> list[metric_types.MetricComputation]:
    return [
        metric_types.MetricComputation(
            keys=[metric_types.MetricKey(name=prefix + name, model_name=model_name)],
            preprocessors=[metric_types.FeaturePreprocessor([ID_FEATURE])],
            combiner=TallyCombiner(new_tally, model_name, read_label, prefix),
        )
        for model_name in model_names or [""]
    ]


def _report_computations(
    problem: dict[str, Any],
    former: list[str],
    former_of: str,
    name: str,
    model_names: list[str] | None = None,
) -> list[metric_types.MetricComputation]:
    kind: Problem = serialisation.from_plain(problem)
    names, truth = kind.names, kind.truth
    if not former:
        return _computations(kind.tally, truth, name, model_names)
    # The same classes in another order are all shared: nothing has to be left out.
    only = () if set(former) == set(names) else tuple(c for c in names if c in former)
    theirs = partial(kind.tally, names=tuple(former), only=only)
    others = [other for other in model_names or [""] if other != former_of]
    computations = _computations(kind.tally, truth, name, others)
    computations += _computations(theirs, truth, name, [former_of])
    if only:
        computations += _computations(partial(kind.tally, only=only), truth, name, others, SHARED)
    return computations


class Report(metric_types.Metric):
    """Everything that a problem's tally counts."""

    def __init__(
        self,
        problem: dict[str, Any],
        former: list[str] | None = None,
        former_of: str = "",
        name: str = "report",
    ) -> None:
        """Initialises the metric.

        Args:
          problem: The problem as `serialisation.to_plain` writes it.
          former: Classes of a baseline with other classes; only examples of shared classes count
            for it, and the candidate's metrics are also computed on these, under names that begin
            with `SHARED`.
          former_of: TFMA's name of that baseline.
          name: TFMA's name of the metric.
        """
        super().__init__(
            _report_computations,
            problem=problem,
            former=list(former or ()),
            former_of=former_of,
            name=name,
        )


def __getattr__(name: str) -> Any:
    """Returns the metric of an earlier version by its name, as TFMA looks it up.

    A compiled job stores the names of its metrics, and may run in a later version's container.
    """

    def report(
        former: list[str] | None = None, former_of: str = "", **config: Any
    ) -> metric_types.Metric:
        for kind in KINDS:
            if problem := kind.of_metric(name, config):
                return Report(serialisation.to_plain(problem), former, former_of)
        raise ValueError(f"a metric must be one that a kind of problem knows. Received: {name}")

    if not name.endswith("Report"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return type(name, (Report,), {"from_config": staticmethod(lambda config: report(**config))})
