"""A complete third-party network as a task names it; `networks/saved_network.py` builds it."""

from dataclasses import dataclass

from trainer_modules.engine.limits import check_choice

LOGITS, PROBABILITIES = "logits", "probabilities"


@dataclass(frozen=True, kw_only=True)
class SavedNetwork:
    """A network with its classifier, from a SavedModel; it cannot be trained.

    It sees images as `input.scaling` makes them. Its last axis has a channel for each class, or
    first an additional one for the background, which is dropped.

    Attributes:
      weights: The SavedModel's folder; the command line names it with --weights.
      outputs: The kind of its outputs: `logits` or `probabilities`.
    """

    weights: str = "none"
    outputs: str = LOGITS

    def __post_init__(self) -> None:
        check_choice("outputs", self.outputs, (LOGITS, PROBABILITIES))
