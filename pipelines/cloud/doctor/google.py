"""Google's REST APIs for `doctor`: as the user, with time-outs."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import google.auth
import requests
from google.auth.transport.requests import AuthorizedSession, Request

from pipelines.cloud.doctor.check import TIMEOUT, UNKNOWN, Finding
from pipelines.cloud.vertex.config import VertexConfig

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Addresses of Google's APIs; tests use a server of their own."""

    usage: str = "https://serviceusage.googleapis.com"
    projects: str = "https://cloudresourcemanager.googleapis.com"
    iam: str = "https://iam.googleapis.com"
    storage: str = "https://storage.googleapis.com"
    networking: str = "https://servicenetworking.googleapis.com"

    @classmethod
    def at(cls, address: str) -> "Addresses":
        """Returns one address for all."""
        return cls(**{field.name: address for field in dataclasses.fields(cls)})


class Google:
    """The user's own session."""

    def __init__(self, config: VertexConfig, addresses: Addresses) -> None:
        self.config, self.at = config, addresses

    @functools.cached_property
    def credentials(self) -> Any:
        """The user's credentials, refreshed.

        Raises:
          google.auth.exceptions.GoogleAuthError: If there are none, or they are stale.
        """
        credentials, _ = google.auth.default(
            scopes=[_SCOPE], quota_project_id=self.config.google.project
        )
        credentials.refresh(Request())
        return credentials

    def get(self, url: str, **params: Any) -> tuple[int, dict[str, Any]]:
        """Returns status and content."""
        return _plain(AuthorizedSession(self.credentials).get(url, params=params, timeout=TIMEOUT))

    def post(self, url: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Returns status and content."""
        session = AuthorizedSession(self.credentials)
        return _plain(session.post(url, json=dict(body), timeout=TIMEOUT))


def _plain(answer: requests.Response) -> tuple[int, dict[str, Any]]:
    try:
        return answer.status_code, dict(answer.json())
    except ValueError:
        return answer.status_code, {}


def short(error: Exception) -> str:
    """Returns an error's text in one line."""
    return " ".join(str(error).split())[:300]


def refused(what: str, code: int, body: Mapping[str, Any], who_can: str) -> Finding:
    """Returns the finding that the user may not see something."""
    said = short(Exception(body.get("error", {}).get("message", "")))
    return Finding(UNKNOWN, f"{what}: {code} {said}".rstrip(), who_can)


def bucket(path: str) -> str:
    """Returns the bucket of a `gs://…`."""
    return path.removeprefix("gs://").partition("/")[0]
