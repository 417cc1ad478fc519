"""Finds the version that a command names, and Trainer's model behind it in ML Metadata."""

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from components.pusher import releases
from pipelines.config import RunConfig
from pipelines.task_files.spelling import SERVING
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions

LATEST = "latest"
_INPUT, _OUTPUT = metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.OUTPUT
# Where a version may lie below the serving folder.
_PLACES = ("", releases.WITHDRAWN_FOLDER, releases.HELD_FOLDER)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A version that was named.

    Attributes:
      version: Its folder name.
      model: Its SavedModel; "" if its files were removed.
      serving_folder: Where it is, or was, served from.
      metadata: The lineage store of its runs, as `--metadata` names it.
    """

    version: str
    model: str
    serving_folder: str
    metadata: str


def named(config: RunConfig, text: str) -> Named:
    """Returns the version that `text` names.

    Args:
      config: The task and the root.
      text: A version of the task's model, `latest`, or the folder of a version under any root.

    Raises:
      BadInputError: If there is no such version.
    """
    if os.path.isdir(text):
        return _of_folder(config, os.path.abspath(text))
    folder = config.serving_folder
    number = text
    if text == LATEST:
        newest = versions.newest(folder)
        if newest is None:
            raise BadInputError(f"No version is served in {folder} yet.")
        number = os.path.basename(newest)
    known = _known(folder)
    if number not in known:
        shown = ", ".join(sorted(known, key=int)[-10:]) or "none yet"
        raise BadInputError(
            f"'{text}' must be a version of the model in {folder} or the folder of a version. "
            f"There: {shown}. Another task's versions are named with --task or --name."
        )
    return Named(
        version=number,
        model=known[number],
        serving_folder=folder,
        metadata=config.metadata_file,
    )


def trained(store: Any, version: Named) -> Any:
    """Returns Trainer's artifact behind a version.

    Args:
      store: The metadata store.
      version: What `named` returned.

    Raises:
      BadInputError: If the store does not know the version.
    """
    release = releases.read(version.serving_folder).of_version(version.version)
    if release is not None and release.model:
        known = store.get_artifacts_by_uri(release.model)
        if known:
            return known[0]
    for pushed in store.get_artifacts_by_type("PushedModel"):
        if pushed.custom_properties["pushed_version"].string_value == version.version:
            made = [e for e in store.get_events_by_artifact_ids([pushed.id]) if e.type == _OUTPUT]
            events = store.get_events_by_execution_ids([event.execution_id for event in made])
            given = [e for e in events if e.type == _INPUT and e.path.steps[0].key == "model"]
            if given:
                return store.get_artifacts_by_id([given[0].artifact_id])[0]
    raise BadInputError(
        f"{version.metadata} knows nothing of version {version.version}: it was pushed from "
        "another lineage store. Name that one with --metadata."
    )


def of_model(version: Named, uri: str) -> str:
    """Returns which version a model became, with its URI; "" for no model."""
    if not uri:
        return ""
    release = releases.read(version.serving_folder).of_model(uri)
    return f"version {release.version} ({uri})" if release else uri


def _of_folder(config: RunConfig, folder: str) -> Named:
    if not versions.is_saved_model(folder):
        raise BadInputError(f"{folder} is not a version: it holds no SavedModel.")
    above = os.path.dirname(folder)
    if os.path.basename(above) in _PLACES:
        above = os.path.dirname(above)
    root, served = os.path.split(os.path.dirname(above))
    if served != SERVING:
        raise BadInputError(
            f"{folder} must lie where it was pushed, in <root>/{SERVING}/<name>/, since the "
            "lineage of a model is kept beside the runs that made it."
        )
    there = dataclasses.replace(config, root=root)
    own = os.path.basename(above)
    metadata = config.metadata or os.path.join(root, own, os.path.basename(there.metadata_file))
    return Named(
        version=os.path.basename(folder), model=folder, serving_folder=above, metadata=metadata
    )


def _known(folder: str) -> dict[str, str]:
    """Returns the versions of a serving folder, whatever became of them: name → SavedModel."""
    known = {r.version: "" for r in releases.read(folder).releases}
    for place in reversed(_PLACES):
        for version in versions.complete(os.path.join(folder, place) if place else folder):
            known[os.path.basename(version.folder)] = version.folder
    return known
