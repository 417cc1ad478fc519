"""The settings in the compiled job, and the names made of them."""

import json
import re
import uuid

import pytest

from components.vertex.settings import Deployment, identifier

# Vertex AI's documentation of `model_id` and `endpoint_id`.
_ID = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]|[a-z]")


def _deployment(**changes: object) -> Deployment:
    return Deployment(
        **{"project": "p", "region": "r", "task": "flowers", "model": "F", "image": "i", **changes}  # type: ignore[arg-type]
    )


def test_settings_return_from_the_job_as_they_went_in() -> None:
    given = _deployment(traffic=10, labels={"team": "vision", "cost": "7"}, min_replicas=2)
    assert Deployment.from_json(given.to_json()) == given
    plain = json.loads(given.to_json())
    assert (plain["traffic"], plain["labels"], plain["endpoint"]) == (10, given.labels, "")


def test_equal_settings_are_the_same_text() -> None:
    """The text is a step's parameter, and a cache key."""
    one = _deployment(labels={"a": "1", "b": "2"})
    other = _deployment(labels={"b": "2", "a": "1"})
    assert one.to_json() == other.to_json() != _deployment(labels={"a": "1"}).to_json()


@pytest.mark.parametrize(
    ("image", "prebuilt"),
    [
        ("europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest", True),
        ("us-docker.pkg.dev/vertex-ai/prediction/tf2-gpu.2-15:latest", True),
        ("europe-docker.pkg.dev/my-project/vertex-ai/prediction:1", False),
        ("registry.example/us-docker.pkg.dev/vertex-ai/prediction/copy", False),
    ],
)
def test_only_googles_own_images_are_prebuilt(image: str, prebuilt: bool) -> None:
    assert _deployment(image=image).prebuilt is prebuilt


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Flowers", "flowers"),
        ("Flowers, live & new!", "flowers-live-new"),
        ("7 segments", "model-7-segments"),
        ("--x--", "x"),
        ("x" * 62 + " y", "x" * 62),
        ("Äpfel", "pfel"),
    ],
)
def test_a_name_becomes_an_id(name: str, expected: str) -> None:
    assert identifier(name, "model") == expected


def test_any_name_becomes_an_id_that_the_service_takes() -> None:
    names = [str(uuid.UUID(int=i * 0x123456789ABCDEF0123456789ABCDEF)) * 2 for i in range(1, 40)]
    for name in [*names, "花", "9" * 80, "a", "A-" * 50]:
        assert _ID.fullmatch(identifier(name, "endpoint")), name
