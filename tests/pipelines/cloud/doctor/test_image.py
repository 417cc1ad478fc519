"""Whether an image is in its registry, by the registry's own protocol."""

from typing import Any

import pytest

from pipelines.cloud.doctor import image as doctor_image
from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN

DIGEST = "sha256:" + "0" * 64
MANIFEST = {"config": {"digest": "sha256:c"}, "schemaVersion": 2}


def test_an_image_in_its_registry(server: Any) -> None:
    """The registry's own protocol, for a private one, a public one, and several platforms."""
    image = f"{server.place}/vision/tfx-vision@{DIGEST}"
    assert doctor_image.look(image).state == STOPS
    index = {"manifests": [{"digest": "sha256:m", "platform": {"architecture": "amd64"}}]}
    labels = {"config": {"Labels": {"org.opencontainers.image.revision": "0000000"}}}
    base = "GET /v2/vision/tfx-vision"
    server.answers = {
        f"{base}/manifests/{DIGEST}": (200, index),
        f"{base}/manifests/latest": (200, MANIFEST),
        f"{base}/manifests/sha256:m": (200, MANIFEST),
        f"{base}/blobs/sha256:c": (200, labels),
    }
    other = doctor_image.look(image)
    assert other.state == UNKNOWN and "built from revision 0000000" in other.said
    revision = doctor_image._revision()[:7]
    labels["config"]["Labels"]["org.opencontainers.image.revision"] = revision
    assert f"built from this checkout ({revision})" in doctor_image.look(image).said
    server.headers = {"Docker-Content-Digest": DIGEST}
    unpinned = doctor_image.look(f"{server.place}/vision/tfx-vision")
    assert unpinned.state == OK and unpinned.mend.endswith(f"/tfx-vision@{DIGEST}")
    server.answers[f"{base}/manifests/{DIGEST}"] = (401, {})
    assert "docker manifest inspect" in doctor_image.look(image).mend


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("a.pkg.dev/p/r/n:1@sha256:0", ("a.pkg.dev", "p/r/n", "sha256:0")),
        ("localhost:5000/n:1", ("localhost:5000", "n", "1")),
        ("user/n", ("registry-1.docker.io", "user/n", "latest")),
        ("busybox", ("registry-1.docker.io", "library/busybox", "latest")),
    ],
)
def test_names_of_images(image: str, parts: tuple) -> None:
    assert doctor_image.split(image) == parts
