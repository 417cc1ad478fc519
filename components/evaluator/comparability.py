"""Decides whether a model can be compared with the last blessed one, and if not, why."""

import os
from dataclasses import dataclass

import tensorflow as tf

from components.pusher import served
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets, read

SIGNATURE = "examples"
# Only predictions that name their class can be compared where the classes differ.
_BY_NAME = "probabilities "
# The file that PushedBaseline writes instead of a model when none has been pushed.
NOTHING_YET = "NO_MODEL_PUSHED_YET"
NO_BASELINE = "No earlier model has been blessed."


@dataclass(frozen=True)
class Baseline:
    """The decision on a baseline.

    Attributes:
      used: Whether the two models are compared.
      reason: One sentence: which model, or why none.
      uri: The baseline model's artifact; "" where there is none.
      former: Its classes in their order, where they differ from the candidate's; else ().
      added: Classes that only the candidate knows.
      removed: Classes that only the baseline knows.
    """

    used: bool
    reason: str
    uri: str = ""
    former: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def decide(model: str, baseline: str | None) -> Baseline:
    """Returns whether to compare; a defective baseline is a reason, not an exception.

    Args:
      model: Folder of the candidate's SavedModel.
      baseline: Folder of the last blessed SavedModel, None where there is none.
    """
    if not baseline:
        return Baseline(False, NO_BASELINE)
    if os.path.normpath(baseline) == os.path.normpath(model):
        return Baseline(False, "The last blessed model is this model itself.", baseline)
    try:
        new_outputs, old_outputs = _outputs(model), _outputs(baseline)
        new, old = assets.classes(model), assets.classes(baseline)
    except BadInputError as e:
        return Baseline(
            False, f"The last blessed model can no longer be read ({baseline}): {e}", baseline
        )
    if new_outputs != old_outputs:
        why = (
            f"its signature '{SIGNATURE}' returns {old_outputs}, but this model's returns "
            f"{new_outputs}"
        )
    else:
        why = _incomparable(new, old, new_outputs)
    if why:
        return Baseline(False, f"The last blessed model cannot be compared: {why}.", baseline)
    added = tuple(name for name in new if name not in old)
    removed = tuple(name for name in old if name not in new)
    reason = f"Compared with the last blessed model, {baseline}"
    if added or removed:
        count = len(new) - len(added)
        reason += f", on the {count} {'class' if count == 1 else 'classes'} that both models know"
        reason += f"; {', '.join(added)} added, not compared" if added else ""
        reason += f"; {', '.join(removed)} removed, not compared" if removed else ""
    return Baseline(
        True, f"{reason}.", baseline, former=old if new != old else (), added=added, removed=removed
    )


def _incomparable(new: tuple[str, ...], old: tuple[str, ...], outputs: str) -> str:
    """Returns why models of these classes cannot be compared, "" where they can."""
    if new == old:
        return ""
    if served.classes_in_common(new, old) == served.NOTHING_SHARED:
        return f"none of its classes ({', '.join(old)}) is among this model's"
    if _BY_NAME not in outputs:
        return (
            f"its classes ({', '.join(old)}) differ, and the predictions cannot be matched by name"
        )
    return ""


def _outputs(folder: str) -> str:
    """Returns the outputs of the signature that evaluation calls, as `name dtype[rank]`."""
    signatures = read.definitions(folder)
    if SIGNATURE not in signatures:
        return "nothing"
    outputs = (
        f"{name} {tf.as_dtype(info.dtype).name}[{len(info.tensor_shape.dim)}]"
        for name, info in sorted(signatures[SIGNATURE].outputs.items())
    )
    return ", ".join(outputs)
