"""Learning-rate schedules as plain data; `build` creates the Keras object for a phase."""

import math
from dataclasses import dataclass, replace
from typing import Any

from trainer_modules.engine.limits import check_number


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """`initial * decay_rate ** (step / decay_steps)`, Keras' ExponentialDecay.

    Attributes:
      initial: Learning rate at step 0.
      decay_steps: Optimiser steps over which the rate is multiplied by `decay_rate` once.
      decay_rate: Factor in (0, 1].
      staircase: Decay in whole steps instead of smoothly.
    """

    initial: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)
        check_number("decay_steps", self.decay_steps, least=1)
        check_number("decay_rate", self.decay_rate, above=0, most=1)

    def scaled(self, factor: float, duration: float) -> "Exponential":
        """Returns the schedule times `factor`, for a phase of `duration` times as many steps."""
        steps = max(1, round(self.decay_steps * duration))
        return replace(self, initial=self.initial * factor, decay_steps=steps)

    def build(self, total_steps: int) -> Any:
        """Returns the Keras schedule; `total_steps` is not used here."""
        del total_steps
        from tf_keras.optimizers.schedules import ExponentialDecay

        return ExponentialDecay(self.initial, self.decay_steps, self.decay_rate, self.staircase)


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Linear warm-up from 0 to `peak`, then half a cosine down to `peak * final_fraction`.

    The form of Loshchilov and Hutter, "SGDR" (2017), with the linear warm-up of Goyal et al.,
    "Accurate, Large Minibatch SGD" (2017).

    Attributes:
      peak: Learning rate after the warm-up.
      warmup_fraction: Fraction of the phase's steps spent warming up, in [0, 1).
      final_fraction: Final rate as a fraction of `peak`.
    """

    peak: float
    warmup_fraction: float = 0.1
    final_fraction: float = 0.0

    def __post_init__(self) -> None:
        check_number("peak", self.peak, above=0)
        check_number("warmup_fraction", self.warmup_fraction, least=0, below=1)
        check_number("final_fraction", self.final_fraction, least=0, most=1)

    def scaled(self, factor: float, duration: float) -> "Cosine":
        """Returns the schedule times `factor`; it follows the length of its phase by itself."""
        del duration
        return replace(self, peak=self.peak * factor)

    def build(self, total_steps: int) -> Any:
        """Returns the Keras schedule over `total_steps` optimiser steps of the phase."""
        from tf_keras.optimizers.schedules import CosineDecay

        warmup_steps = math.floor(self.warmup_fraction * total_steps)
        decay_steps = max(1, total_steps - warmup_steps)
        if not warmup_steps:
            return CosineDecay(self.peak, decay_steps, alpha=self.final_fraction)
        return CosineDecay(
            0.0,
            decay_steps,
            alpha=self.final_fraction,
            warmup_target=self.peak,
            warmup_steps=warmup_steps,
        )


Schedule = Exponential | Cosine
