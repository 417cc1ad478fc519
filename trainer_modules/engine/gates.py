"""What a model must reach to be blessed, as plain data; `components/model_gate.py` judges."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AtLeast:
    """A floor on a metric.

    Attributes:
      metric: Name of a metric as the summary spells it, for example `accuracy` or `recall`.
      bound: The lowest value that passes.
      each_class: Judge the metric of every class instead of the overall one.
      class_name: Judge the metric of this class only.
      slice: Judge within one slice, written `feature=value`.
    """

    metric: str
    bound: float
    each_class: bool = False
    class_name: str = ""
    slice: str = ""


@dataclass(frozen=True)
class AtMost:
    """A ceiling on a metric, for losses and errors; the fields are those of `AtLeast`."""

    metric: str
    bound: float
    each_class: bool = False
    class_name: str = ""
    slice: str = ""


@dataclass(frozen=True)
class NoWorse:
    """No worse than the last blessed model by more than a margin, on the same examples.

    Attributes:
      metric: Name of the metric.
      by: The largest loss that passes, in the metric's own unit.
      each_class: Compare class by class instead of overall.
      lower_is_better: True for losses and errors.
    """

    metric: str
    by: float = 0.0
    each_class: bool = False
    lower_is_better: bool = False


Gate = AtLeast | AtMost | NoWorse
