"""Whether a model can be compared with the last blessed one, and if not, why."""

import os
from dataclasses import dataclass

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

SIGNATURE = "examples"
_CLASSES_ASSET = "assets/classes.txt"
# What PushedBaseline leaves in place of a model when none has been pushed.
NOTHING_YET = "NO_MODEL_PUSHED_YET"
NO_BASELINE = "No model has been blessed before."


@dataclass(frozen=True)
class Baseline:
    """The decision on a baseline.

    Attributes:
      used: Whether the two models are compared.
      reason: One sentence for people: which model, or why none.
      uri: The baseline model's artifact; "" where there is none.
    """

    used: bool
    reason: str
    uri: str = ""


def decide(model: str, baseline: str | None) -> Baseline:
    """Returns whether to compare, never raising over what the baseline lacks.

    Args:
      model: Folder of the candidate's SavedModel.
      baseline: Folder of the last blessed SavedModel, None where there is none.
    """
    if not baseline:
        return Baseline(False, NO_BASELINE)
    if os.path.normpath(baseline) == os.path.normpath(model):
        return Baseline(False, "The last blessed model is this one itself.", baseline)
    try:
        difference = _difference(model, baseline)
    except (tf.errors.OpError, OSError) as e:
        return Baseline(
            False, f"The last blessed model cannot be read any more ({baseline}): {e}", baseline
        )
    if difference:
        return Baseline(
            False, f"The last blessed model cannot be compared with: {difference}.", baseline
        )
    return Baseline(True, f"Compared with the last blessed model, {baseline}.", baseline)


def _difference(model: str, baseline: str) -> str:
    new_outputs, old_outputs = _outputs(model), _outputs(baseline)
    new, old = _classes(model), _classes(baseline)
    if new != old:
        added = [name for name in new if name not in old]
        gone = [name for name in old if name not in new]
        if not added and not gone:
            return "its classes are in another order"
        parts = [f"{', '.join(added)} added"] if added else []
        parts += [f"{', '.join(gone)} removed"] if gone else []
        return f"the classes have changed ({'; '.join(parts)})"
    if new_outputs != old_outputs:
        return f"its signature '{SIGNATURE}' gives {old_outputs}, this model's {new_outputs}"
    return ""


def _classes(folder: str) -> list[str]:
    path = os.path.join(folder, _CLASSES_ASSET)
    if not tf.io.gfile.exists(path):
        return []
    with tf.io.gfile.GFile(path) as f:
        return f.read().splitlines()


def _outputs(folder: str) -> str:
    """Returns the outputs of the signature that evaluation calls, as `name dtype[rank]`."""
    saved = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(os.path.join(folder, "saved_model.pb"), "rb") as f:
        saved.ParseFromString(f.read())
    signatures = saved.meta_graphs[0].signature_def
    if SIGNATURE not in signatures:
        return "nothing"
    found = (
        f"{name} {tf.as_dtype(info.dtype).name}[{len(info.tensor_shape.dim)}]"
        for name, info in sorted(signatures[SIGNATURE].outputs.items())
    )
    return ", ".join(found)
