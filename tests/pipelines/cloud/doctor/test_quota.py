"""The quota of a region, as Google's Service Usage API shows it."""

from typing import Any

import pytest

from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN
from tests.pipelines.cloud.doctor.conftest import vertex_findings


@pytest.mark.parametrize(
    ("accelerator", "spot", "state"),
    [
        ("nvidia-l4", False, OK),
        ("nvidia-l4:2", False, STOPS),
        ("nvidia-l4:4", True, OK),
        ("nvidia-a100", False, STOPS),
        ("nvidia-a100-80gb:8", False, OK),
        ("tpu-v5e-8", False, OK),
        ("nvidia-t4", False, UNKNOWN),
    ],
)
def test_the_quota_of_the_region(google: Any, accelerator: str, spot: bool, state: str) -> None:
    found = vertex_findings(google, accelerator=accelerator, spot=spot)["quota"]
    assert found.state == state, found
    assert "80gb" in found.said if "80gb" in accelerator else "80gb" not in found.said


def test_pages_of_quotas_are_read_to_the_end(google: Any) -> None:
    """What is sought may be on a later page."""
    (call,) = (call for call in google.answers if call.endswith("consumerQuotaMetrics"))
    _, whole = google.answers[call]
    pages = [
        (200, {"metrics": whole["metrics"][1:], "nextPageToken": "more"}),
        (200, {"metrics": whole["metrics"][:1]}),
    ]

    class Pages(dict[str, tuple[int, Any]]):
        def get(self, key: str, default: Any = None) -> Any:
            return pages.pop(0) if key == call else super().get(key, default)

    google.answers = Pages(google.answers)
    found = vertex_findings(google, accelerator="nvidia-l4")["quota"]
    assert (found.state, pages) == (OK, [])
    tokens = [path.partition("pageToken=")[2] for path in google.asked if "QuotaMetrics" in path]
    assert tokens == ["", "more"]


def test_a_quota_that_may_not_be_seen_names_the_page(google: Any) -> None:
    (call,) = (call for call in google.answers if call.endswith("consumerQuotaMetrics"))
    google.answers[call] = (403, {"error": {"message": "denied"}})
    found = vertex_findings(google, accelerator="nvidia-l4")["quota"]
    assert (found.state, found.said) == (UNKNOWN, "not shown: 403 denied")
    assert "region r" in found.mend
