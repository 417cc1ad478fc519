"""When the newest examples count as drifted, as plain data; `components/drift` applies it."""

from dataclasses import dataclass, fields

from trainer_modules.engine.limits import check_number


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Limits of the comparison of the newest examples with those before them.

    A difference is drift if chance does not explain it and it is also large enough to matter: with
    many examples, chance explains almost nothing.

    Attributes:
      false_alarms: Largest probability that a night without drift is reported, in (0, 1). It holds
        for all comparisons of a night together.
      labels: Smallest fraction of examples by which the labels must differ, in [0, 1].
      numbers: Smallest Kolmogorov-Smirnov distance of heights, widths, brightness or a predicted
        number, in [0, 1].
      kinds: Smallest fraction of examples by which formats or channels must differ, in [0, 1].
      rejected: Smallest difference of the fractions of rejected examples, in [0, 1].
      embedding: Smallest relative energy distance of the champion's features, in [0, 1]; 0 for
        equal distributions.
      sample: Examples on each side whose features are computed; 0 for no comparison of features.
    """

    false_alarms: float = 0.01
    labels: float = 0.1
    numbers: float = 0.1
    kinds: float = 0.05
    rejected: float = 0.01
    embedding: float = 0.005
    sample: int = 300

    def __post_init__(self) -> None:
        check_number("false_alarms", self.false_alarms, above=0, below=1)
        check_number("sample", self.sample, least=0)
        for field in fields(self):
            if field.name not in ("false_alarms", "sample"):
                check_number(field.name, getattr(self, field.name), least=0, most=1)
