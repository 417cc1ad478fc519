"""Checks whether an image is in its registry, as Docker does (the Registry HTTP API V2)."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from pipelines.cloud.doctor.check import OK, STOPS, TIMEOUT, UNKNOWN, Finding

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_REVISION = "org.opencontainers.image.revision"
_LOCAL = ("localhost", "127.0.0.1")
_GOOGLE = (".pkg.dev", "gcr.io")


def look(image: str, token: str = "") -> Finding:
    """Returns whether an image is available, and the revision that it was built from.

    Args:
      image: As `--image` names it.
      token: Google's access token, for its registries.
    """
    host, name, reference = split(image)
    scheme = "http" if host.partition(":")[0] in _LOCAL else "https"
    base = f"{scheme}://{host}/v2/{name}"
    headers = {"Accept": _MANIFESTS}
    if token and host.endswith(_GOOGLE):
        headers["Authorization"] = f"Bearer {token}"
    answer = requests.get(f"{base}/manifests/{reference}", headers=headers, timeout=TIMEOUT)
    if answer.status_code == 401 and "Authorization" not in headers:
        headers |= _anonymous(answer.headers.get("WWW-Authenticate", ""))
        answer = requests.get(f"{base}/manifests/{reference}", headers=headers, timeout=TIMEOUT)
    if answer.status_code in (401, 403):
        return Finding(
            UNKNOWN,
            f"{host} shows {name} only to users who are logged in ({answer.status_code})",
            f"Check with your own login: docker manifest inspect {image}",
        )
    if answer.status_code == 404:
        return Finding(
            STOPS,
            f"{image} is not in its registry",
            "Push it, and use the name with the digest printed at the end: make image "
            f"IMAGE={image.partition('@')[0]} PUSH=1",
        )
    answer.raise_for_status()
    digest = answer.headers.get("Docker-Content-Digest", "")
    built = _labels(base, headers, answer.json()).get(_REVISION, "")
    return _judged(image, digest, built)


def split(image: str) -> tuple[str, str, str]:
    """Returns registry, name, and digest or tag, as Docker reads them."""
    rest, _, digest = image.partition("@")
    host, slash, name = rest.partition("/")
    if not slash or not re.search(r"[.:]|^localhost$", host):
        host, name = "registry-1.docker.io", rest if slash else f"library/{rest}"
    name, _, tag = name.partition(":")
    return host, name, digest or tag or "latest"


def _anonymous(challenge: str) -> dict[str, str]:
    """Returns the anonymous authorization header of a registry for a public image."""
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    if "realm" not in parameters:
        return {}
    asked = {key: parameters[key] for key in ("service", "scope") if key in parameters}
    answer = requests.get(parameters["realm"], params=asked, timeout=TIMEOUT)
    if answer.status_code != 200:
        return {}
    given = answer.json()
    return {"Authorization": f"Bearer {given.get('token') or given.get('access_token')}"}


def _labels(base: str, headers: Mapping[str, str], manifest: Mapping[str, Any]) -> dict[str, str]:
    for entry in manifest.get("manifests", []):
        if entry.get("platform", {}).get("architecture") == "amd64":
            url = f"{base}/manifests/{entry['digest']}"
            manifest = requests.get(url, headers=headers, timeout=TIMEOUT).json()
            break
    if "config" not in manifest:
        return {}
    url = f"{base}/blobs/{manifest['config']['digest']}"
    answer = requests.get(url, headers=headers, timeout=TIMEOUT)
    return dict(answer.json().get("config", {}).get("Labels") or {}) if answer.ok else {}


def _judged(image: str, digest: str, built: str) -> Finding:
    if "@sha256:" not in image:
        return Finding(
            OK,
            f"{image} exists, but its content can change after a job is compiled",
            f"Use its digest: {image}@{digest}" if digest else "",
        )
    here = _revision()
    if built and here and not here.startswith(built) and built != "unknown":
        return Finding(
            UNKNOWN,
            f"{image} was built from revision {built}, but this checkout is at {here[:12]}",
            "A job compiled here may refer to code that the image lacks. Rebuild the image, or "
            f"check out {built}.",
        )
    of = f", built from this checkout ({built})" if built and here.startswith(built) else ""
    return Finding(OK, f"{image.partition('@')[0]} exists with that digest{of}")


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
