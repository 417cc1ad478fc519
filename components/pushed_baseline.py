"""PushedBaseline: the model that is being served, to compare a new one with.

Where the platform cannot look up blessed models (open-source Kubeflow implements no resolvers),
the newest version under the serving root is the last one that was blessed.
"""

import os

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

_NONE_FILE = "NO_MODEL_PUSHED_YET"


def newest_version(serving_folder: str) -> str | None:
    """Returns the folder of the highest-numbered version, or None where nothing is served."""
    if not fileio.exists(serving_folder):
        return None
    names = [name.strip("/") for name in fileio.listdir(serving_folder)]
    versions = [name for name in names if name.isdigit()]
    for version in sorted(versions, key=int, reverse=True):
        folder = os.path.join(serving_folder, version)
        # A push that was cut short has no graph.
        if fileio.exists(os.path.join(folder, "saved_model.pb")):
            return folder
    return None


@component
def PushedBaseline(
    model: OutputArtifact[standard_artifacts.Model], serving_folder: Parameter[str]
) -> None:
    """Copies the newest served version to `model`; leaves a note there when there is none."""
    newest = newest_version(serving_folder)
    if newest is None:
        fileio.makedirs(model.uri)
        io_utils.write_string_file(os.path.join(model.uri, _NONE_FILE), serving_folder)
        return
    io_utils.copy_dir(newest, path_utils.serving_model_dir(model.uri))
