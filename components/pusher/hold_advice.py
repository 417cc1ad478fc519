"""HoldAdvice: what a step before Pusher says against pushing a blessed model unseen.

A step that has found something which a person should look at, such as DriftCheck with
`--on-drift hold`, has an output of this type and gives it to Pusher as `hold`:

    @component
    def DriftCheck(..., hold: OutputArtifact[HoldAdvice]): ...
        hold_advice.write(hold.uri, ["the newest span has half the brightness"])

    NewModelPusher(..., hold=drift_check.outputs["hold"])

With a reason the model is held, whatever `--promote` says; with none Pusher does as without it.
"""

import json
import os
from collections.abc import Sequence

from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from trainer_modules.engine.saved_model import assets

_FILE = "hold.json"


class HoldAdvice(Artifact):
    """A folder with `hold.json`: `{"reasons": ["a sentence without a full stop", …]}`."""

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.HoldAdvice"


def write(uri: str, reasons: Sequence[str]) -> None:
    """Writes why a model should be held; no reasons, no objection."""
    io_utils.write_string_file(os.path.join(uri, _FILE), json.dumps({"reasons": list(reasons)}))


def read(uri: str) -> list[str]:
    """Returns why a model should be held; empty if nothing was written."""
    text = assets.text(os.path.join(uri, _FILE))
    return [str(reason) for reason in json.loads(text)["reasons"]] if text else []
