"""VertexDeploy: registers the pushed version in Vertex AI and deploys it to an endpoint.

Pusher remains the only writer of the serving folder; this optional component runs after it.
"""

import dataclasses
import json
import logging
import os
import re

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components.vertex.settings import Deployment

SUMMARY_FILE = "deployment.json"
_log = logging.getLogger(__name__)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")


class VertexModel(Artifact):
    """What was registered: `deployment.json`, and the same as properties.

    `message`, `model` (resource name), `version` (in the registry), `endpoint` (resource name, ""
    for none), `pushed_version`.
    """

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.VertexModel"


def run_of(uri: str) -> str:
    """Returns the run in an artifact's URI, `…/<run>/<step>/<output>` on Vertex AI; "" if none."""
    parts = uri.rstrip("/").split("/")
    run = parts[-3] if len(parts) > 3 else ""
    return run if _LABEL.fullmatch(run) else ""


def released(settings: Deployment, destination: str, run: str) -> dict[str, str]:
    """Registers and deploys the pushed version.

    Args:
      settings: How.
      destination: The folder of the pushed version; "" if nothing was pushed.
      run: The run that pushed it.

    Returns:
      The properties of `VertexModel`.

    Raises:
      ServiceError: If Vertex AI rejects a request.
    """
    if not destination:
        return {"message": "nothing was pushed, so nothing is registered or deployed"}
    # Google's client libraries take seconds to import, so they are imported only where used.
    from components.vertex import endpoint, registry
    from components.vertex.service import Service

    folder = destination.rstrip("/")
    pushed = registry.Pushed(folder=folder, version=os.path.basename(folder), run=run)
    service = Service(settings)
    version, new = registry.register(service, settings, pushed)
    message = f"{'registered' if new else 'found'} {version.name}"
    name = ""
    if settings.endpoint:
        name = endpoint.deploy(service, settings, version)
        message += f", deployed to {name}"
    return {
        "message": message,
        "model": version.model,
        "version": version.number,
        "endpoint": name,
        "pushed_version": pushed.version,
    }


def promoted(settings: Deployment, destination: str, *, back: bool) -> dict[str, str]:
    """Registers and deploys the version that somebody decided for, and makes it the default one.

    Args:
      settings: How.
      destination: The folder of the version.
      back: Whether it was a rollback: then it gets all traffic, and not only a new version's share.

    Returns:
      The properties of `VertexModel`.

    Raises:
      ServiceError: If Vertex AI rejects a request.
    """
    from components.vertex import registry
    from components.vertex.registry import Version
    from components.vertex.service import Service

    if back:
        settings = dataclasses.replace(settings, traffic=100)
    release = released(settings, destination, "")
    if registry.is_default(settings):
        version = Version(model=release["model"], number=release["version"])
        registry.make_default(Service(settings), version)
        release["message"] += ", the default version"
    return release


@component
def VertexDeploy(
    pushed_model: InputArtifact[standard_artifacts.PushedModel],
    deployed: OutputArtifact[VertexModel],
    settings: Parameter[str],
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Registers and deploys the version that Pusher pushed, if any.

    Args:
      pushed_model: Pusher's output.
      deployed: Receives the registered model and endpoint.
      settings: A `Deployment` as JSON.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    destination = pushed_model.get_string_custom_property("pushed_destination")
    release = released(Deployment.from_json(settings), destination, run_of(pushed_model.uri))
    _log.info("%s", release["message"])
    for name, value in release.items():
        deployed.set_string_custom_property(name, value)
    io_utils.write_string_file(os.path.join(deployed.uri, SUMMARY_FILE), json.dumps(release))
