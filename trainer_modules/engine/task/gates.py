"""The conditions for blessing a model, as plain data; `components/model_gate` applies them."""

from dataclasses import dataclass


def _check_confidence(confidence: float | None) -> None:
    if confidence is not None and not 0.5 <= confidence < 1:
        raise ValueError(f"confidence must be in [0.5, 1). Received: {confidence}")


@dataclass(frozen=True)
class AtLeast:
    """A floor on a metric.

    Attributes:
      metric: Name of a metric as the summary spells it, for example `accuracy` or `recall`.
      bound: The lowest value that passes.
      each_class: Judge the metric of every class instead of the overall one.
      class_name: Judge the metric of this class only.
      slice: Judge within one slice, written `feature=value`; a feature alone means each of its
        slices.
      confidence: None compares the measured value with the bound. A number, such as 0.95, demands
        that the examples show the bound to be kept: 1 minus it is the largest probability that a
        model passes that does not keep it.
    """

    metric: str
    bound: float
    each_class: bool = False
    class_name: str = ""
    slice: str = ""
    confidence: float | None = None

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)


@dataclass(frozen=True)
class AtMost:
    """A ceiling on a metric, for losses and errors.

    Attributes:
      metric: As in `AtLeast`.
      bound: The largest accepted value.
      each_class: As in `AtLeast`.
      class_name: As in `AtLeast`.
      slice: As in `AtLeast`.
      confidence: As in `AtLeast`.
    """

    metric: str
    bound: float
    each_class: bool = False
    class_name: str = ""
    slice: str = ""
    confidence: float | None = None

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)


@dataclass(frozen=True)
class NoWorse:
    """No worse than the last blessed model by more than a margin, on the same examples.

    Without a confidence, if the metric is a fraction of images, a loss that two images can explain
    never fails the gate, however small the margin.

    Attributes:
      metric: Name of the metric.
      tolerance: The largest loss that passes, in the metric's own unit.
      each_class: Compare class by class instead of overall.
      lower_is_better: True for losses and errors.
      confidence: None compares the measured loss with the tolerance. A number, such as 0.95,
        refuses only if a paired test shows a loss beyond the tolerance: 1 minus it is the largest
        probability that a model is refused whose loss is within the tolerance, over all classes
        and slices of the gate together.
      slice: Compare within one slice, written `feature=value`; a feature alone means each of its
        slices.
    """

    metric: str
    tolerance: float = 0.0
    each_class: bool = False
    lower_is_better: bool = False
    confidence: float | None = None
    slice: str = ""

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)


@dataclass(frozen=True)
class BetterThanChance:
    """Better than one constant answer, by more than chance explains.

    The constant answer is the commonest class, the single-class map, or the mean of the target.

    Attributes:
      confidence: 1 minus the largest probability that a model that has learnt nothing passes.
      examples_per_class: Required number of evaluated examples per class, on average; with fewer,
        no result passes. One image of each class may distinguish a model from chance, but not the
        classes from each other.
    """

    confidence: float = 0.95
    examples_per_class: int = 2

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)
        if self.examples_per_class < 1:
            raise ValueError(
                f"examples_per_class must be at least 1. Received: {self.examples_per_class}"
            )


Gate = AtLeast | AtMost | NoWorse | BetterThanChance
