"""What a run corrects in its MLMD store before it begins, and the message of a failed node."""

import logging
import os
import shutil
import traceback
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from components.pusher import releases
from pipelines.local.runner import NodeFailedError
from trainer_modules.engine.errors import BadInputError, TrainingError

_log = logging.getLogger(__name__)


def forget_vanished_pushes(config: Any) -> None:
    """Makes Pusher push again if a version that it once pushed no longer exists.

    The cache checks whether an artifact's own folder exists, but the pushed version is elsewhere.
    A version that somebody withdrew, or that `--keep` removed, is not pushed again.
    """
    with metadata.Metadata(config) as handle:
        try:
            pushed = handle.store.get_artifacts_by_type("PushedModel")
        except Exception as error:
            _log.info("the record of pushed models cannot be read: %s", error)
            return
        for artifact in pushed:
            if artifact.state != metadata_store_pb2.Artifact.LIVE:
                continue
            destination = artifact.custom_properties["pushed_destination"].string_value
            if "://" in destination or not destination or os.path.isdir(destination):
                continue
            folder, version = os.path.split(destination)
            release = releases.read(folder).of_version(version)
            if release is None or (release.state == releases.PUSHED and not release.removed):
                shutil.rmtree(artifact.uri, ignore_errors=True)


def explain(failure: NodeFailedError) -> tuple[str, int]:
    """Returns one paragraph on why a node failed, and the exit code; the log has the details."""
    cause = failure.__cause__
    assert cause is not None
    _log.error("%s failed\n%s", failure.node_id, "".join(traceback.format_exception(cause)))
    for error in _chain(cause):
        if isinstance(error, BadInputError):
            return _first_paragraph(error), 2
        if isinstance(error, TrainingError):
            return f"{failure.node_id} failed: {_first_paragraph(error)}", 1
    root = list(_chain(cause))[-1]
    return f"{failure.node_id} failed: {type(root).__name__}: {_first_paragraph(root)}", 1


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (following := chain[-1].__cause__) is not None and following not in chain:
        chain.append(following)
    return chain


def _first_paragraph(error: BaseException) -> str:
    # Beam adds the step that was running; TensorFlow adds the graph.
    text = str(error).split(" [while running")[0].strip()
    return text.split("\n\n")[0].split("\n\t")[0]
