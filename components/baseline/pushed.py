"""PushedBaseline: the served model as the baseline of a new one.

Where the platform cannot look up blessed models (open-source Kubeflow implements no resolvers),
the newest version under the serving folder is the last one that was blessed. Of several, the newest
one of the candidate's classes is chosen, as `components/baseline` does on one machine.
"""

import os

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

_NONE_FILE = "NO_MODEL_PUSHED_YET"


@component
def PushedBaseline(
    candidate: InputArtifact[standard_artifacts.Model],
    model: OutputArtifact[standard_artifacts.Model],
    serving_folder: Parameter[str],
    version: Parameter[str] = "",
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Copies a served version to `model`; writes a marker file if there is none.

    Args:
      candidate: The model to compare; a served version of the same export is not a baseline for it.
      model: Where to copy the version.
      serving_folder: The folder of versions.
      version: The version chosen by the preceding step, as a parameter so that the platform's cache
        notices a change; "" for none.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del candidate, code_fingerprint
    if not version:
        fileio.makedirs(model.uri)
        io_utils.write_string_file(os.path.join(model.uri, _NONE_FILE), serving_folder)
        return
    io_utils.copy_dir(version, path_utils.serving_model_dir(model.uri))
