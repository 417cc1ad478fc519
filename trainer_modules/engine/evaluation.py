"""The TFMA metrics of this project: one computation for each kind of problem.

A tally (NumPy, see `class_tally`, `value_tally`, `mask_tally`) does the
arithmetic; this module runs it inside TFMA, over Beam and within slices. Each metric yields its
scalars by name and `details`, JSON with everything that a report shows.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import apache_beam as beam
import numpy as np
import tfx  # noqa: F401  (completes TFMA's names; must come before it)
from tensorflow_model_analysis.metrics import metric_types

from trainer_modules.engine.problems.class_tally import ClassTally
from trainer_modules.engine.problems.label_set_tally import LabelSetTally
from trainer_modules.engine.problems.mask_tally import MaskTally
from trainer_modules.engine.problems.value_tally import RegressionTally

DETAILS = "details"
ID_FEATURE = "id"
# Prefix of metrics that count only the examples of shared classes.
SHARED = "shared/"
# Examples are counted in batches: NumPy then works on matrices, whatever Beam's bundles are.
_BATCH = 512


class Tally(Protocol):
    """Running totals over predictions."""

    def add(self, labels: list[Any], predictions: list[Any], ids: list[str]) -> None:
        """Counts a batch."""

    def merge(self, other: Any) -> None:
        """Adds the totals of another part of the data."""

    def metrics(self) -> dict[str, float]:
        """Returns scalars by name."""

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the scalars, JSON-serialisable."""


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
        accumulator.ids.append(_text(ids) if ids is not None else "")
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
        found: dict[str, Any] = dict(tally.metrics())
        found[DETAILS] = json.dumps(tally.details(), ensure_ascii=False).encode()
        return {
            metric_types.MetricKey(name=self._prefix + name, model_name=self._model_name): value
            for name, value in found.items()
        }


def _text(value: Any) -> str:
    """Returns a bytes feature as text; a byte that is not UTF-8 shows as an escape."""
    value = np.asarray(value).ravel()
    if value.size != 1:
        raise ValueError(f"a label or id must be one value. Received: {value.size} values")
    item = value[0]
    return item.decode("utf-8", "backslashreplace") if isinstance(item, bytes) else str(item)


def _number(value: Any) -> float:
    return float(np.asarray(value).item())


def _encoded(value: Any) -> bytes:
    found: bytes = np.asarray(value).item()
    return found


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


def _class_computations(
    classes: list[str],
    former: list[str],
    former_of: str,
    name: str,
    model_names: list[str] | None = None,
    tally: Callable[..., Tally] = ClassTally,
) -> list[metric_types.MetricComputation]:
    ours = partial(tally, tuple(classes))
    if not former:
        return _computations(ours, _text, name, model_names)
    shared = tuple(one for one in classes if one in former)
    # The same classes in another order are all shared: nothing has to be left out.
    only = () if set(former) == set(classes) else shared
    theirs = partial(tally, tuple(former), only)
    names = [one for one in model_names or [""] if one != former_of]
    found = _computations(ours, _text, name, names)
    found += _computations(theirs, _text, name, [former_of])
    if only:
        restricted = partial(tally, tuple(classes), only)
        found += _computations(restricted, _text, name, names, SHARED)
    return found


class ClassReport(metric_types.Metric):
    """Everything about a classifier; labels are class names, predictions as served."""

    def __init__(
        self,
        classes: list[str],
        former: list[str] | None = None,
        former_of: str = "",
        name: str = "class_report",
    ) -> None:
        """Initialises the metric.

        Args:
          classes: Class names in the order of the model's outputs.
          former: Classes of a baseline with other classes; only examples of shared classes count
            for it, and the candidate's metrics are also computed on these, under names that begin
            with `SHARED`.
          former_of: TFMA's name of that baseline.
          name: TFMA's name of the metric.
        """
        super().__init__(
            _class_computations,
            classes=list(classes),
            former=list(former or ()),
            former_of=former_of,
            name=name,
        )


def _set_computations(separator: str, **settings: Any) -> list[metric_types.MetricComputation]:
    return _class_computations(**settings, tally=partial(LabelSetTally, separator=separator))


class LabelSetReport(metric_types.Metric):
    """Everything about a multi-label classifier; labels are sets as text, predictions as served."""

    def __init__(
        self,
        classes: list[str],
        separator: str,
        former: list[str] | None = None,
        former_of: str = "",
        name: str = "label_set_report",
    ) -> None:
        """Initialises the metric.

        Args:
          classes: Class names in the order of the model's outputs.
          separator: Text between the names in a set.
          former: Classes of a baseline with other classes: only the classes of both are judged for
            it, and once more for the candidate, under names that begin with `SHARED`.
          former_of: TFMA's name of that baseline.
          name: TFMA's name of the metric.
        """
        super().__init__(
            _set_computations,
            classes=list(classes),
            separator=separator,
            former=list(former or ()),
            former_of=former_of,
            name=name,
        )


def _regression_computations(
    name: str, model_names: list[str] | None = None
) -> list[metric_types.MetricComputation]:
    return _computations(RegressionTally, _number, name, model_names)


class RegressionReport(metric_types.Metric):
    """Everything about a regression; labels are numbers, predictions `value`."""

    def __init__(self, name: str = "regression_report") -> None:
        super().__init__(_regression_computations, name=name)


def _mask_computations(
    classes: list[str],
    void: int | None,
    colours: list[tuple[int, int, int]],
    name: str,
    model_names: list[str] | None = None,
) -> list[metric_types.MetricComputation]:
    rgb = tuple((r, g, b) for r, g, b in colours)
    tally = partial(MaskTally, tuple(classes), void, rgb)
    return _computations(tally, _encoded, name, model_names)


class MaskReport(metric_types.Metric):
    """Everything about a segmentation; labels are encoded masks, predictions `mask_png`."""

    def __init__(
        self,
        classes: list[str],
        void: int | None = None,
        colours: list[list[int]] | None = None,
        name: str = "mask_report",
    ) -> None:
        """Initialises the metric.

        Args:
          classes: Class names; a mask's pixel is an index into them.
          void: Pixel value of the truth to ignore.
          colours: RGB of each class where truth masks are RGB images.
          name: TFMA's name of the metric.
        """
        super().__init__(
            _mask_computations, classes=list(classes), void=void, colours=colours or [], name=name
        )
