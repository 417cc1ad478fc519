"""The artifacts of rehearsed runs, in place of a platform's metadata store."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# `RuntimeArtifact` in JSON form: name, uri, type, metadata.
Artifact = dict[str, Any]

_PREFIX = "projects/1/locations/here/metadataStores/default/artifacts"
_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.artifacts\['(\w+)'\]\.metadata\['(\w+)'\]\}\}")
_CONDITION = re.compile(r'^(?:metadata\.(\w+)\.number_value=(\S+)|(\w+)="?([^"]*)"?)$')


class Store:
    """Artifacts by name, and the outputs of cached steps.

    Attributes:
      artifacts: Name → artifact, oldest first.
      cache: Cache key → output key → names.
      runs: The runs there have been.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file.exists() else {}
        self.artifacts: dict[str, Artifact] = kept.get("artifacts", {})
        self.cache: dict[str, dict[str, list[str]]] = kept.get("cache", {})
        self.runs: list[str] = kept.get("runs", [])
        self._count: int = kept.get("count", 0)

    def save(self) -> None:
        """Writes everything to the file."""
        kept = {
            "artifacts": self.artifacts,
            "cache": self.cache,
            "runs": self.runs,
            "count": self._count,
        }
        self._file.write_text(json.dumps(kept, indent=1))

    def new(self, uri: str, kind: Any, metadata: Mapping[str, Any]) -> Artifact:
        """Returns an artifact that has a name and is not stored yet."""
        self._count += 1
        return {
            "name": f"{_PREFIX}/{self._count}",
            "uri": uri,
            "type": kind,
            "metadata": dict(metadata),
        }

    def keep(self, artifact: Artifact) -> None:
        """Makes an artifact findable."""
        self.artifacts[artifact["name"]] = artifact

    def add(self, uri: str, kind: Any, metadata: Mapping[str, Any]) -> Artifact:
        """Returns a new artifact that is stored."""
        artifact = self.new(uri, kind, metadata)
        self.keep(artifact)
        return artifact

    def cached(self, key: str) -> dict[str, list[Artifact]]:
        """Returns the outputs of a cached step."""
        return {k: [self.artifacts[n] for n in names] for k, names in self.cache[key].items()}

    def find(self, query: str, inputs: Mapping[str, list[Artifact]]) -> list[Artifact]:
        """Returns the latest artifact that a resolver's filter describes, or none.

        Args:
          query: For example `schema_title="tfx.Model" AND state=LIVE AND name="…"`; may refer to
            the metadata of an input artifact.
          inputs: The resolver's input artifacts.
        """

        def filled(match: re.Match[str]) -> str:
            artifacts = inputs.get(match[1]) or [{"metadata": {}}]
            return str(artifacts[0]["metadata"].get(match[2], ""))

        conditions = [c.strip() for c in _PLACEHOLDER.sub(filled, query).split(" AND ")]
        matching = [
            artifact
            for artifact in self.artifacts.values()
            if all(_holds(condition, artifact) for condition in conditions)
        ]
        return matching[-1:]


def _holds(condition: str, artifact: Artifact) -> bool:
    match = _CONDITION.match(condition)
    if match is None:
        raise ValueError(f"a resolver's filter must be a list of conditions; received {condition}")
    if match[1]:
        return bool(artifact["metadata"].get(match[1]) == float(match[2]))
    key, value = match[3], match[4]
    if key == "state":
        return value == "LIVE"
    return value == (title(artifact["type"]) if key == "schema_title" else artifact[key])


def title(kind: Mapping[str, str]) -> str:
    """Returns the title of an `ArtifactTypeSchema`."""
    if "schemaTitle" in kind:
        return kind["schemaTitle"]
    found = re.search(r"^title: (\S+)", kind["instanceSchema"], re.MULTILINE)
    return found[1] if found else ""


def merge(artifact: Artifact, written: Mapping[str, Any]) -> None:
    """Copies the properties in a step's `ExecutorOutput` to its artifact."""
    artifact["uri"] = written.get("uri") or artifact["uri"]
    artifact["metadata"] |= written.get("metadata", {})
