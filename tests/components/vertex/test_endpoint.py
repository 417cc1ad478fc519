"""The endpoint: the versions on it and their shares of the traffic."""

import pytest

from components.vertex.settings import Deployment
from tests.components.vertex.grpc_server import LOST
from tests.components.vertex.releases import release, traffic, versions
from tests.components.vertex.serving_service import FakeServing


def test_a_canary_and_its_promotion(serving: FakeServing, settings: Deployment) -> None:
    release(settings, 1, traffic=10)
    assert traffic(serving) == {"1": 100}
    release(settings, 2, traffic=10)
    assert traffic(serving) == {"1": 90, "2": 10}
    assert "default" in versions(serving)[0].version_aliases
    release(settings, 3, traffic=30)
    assert traffic(serving) == {"1": 63, "2": 7, "3": 30}
    # The same push with another share: a promotion, and nothing is made again.
    before = len(serving.deploys)
    release(settings, 3, traffic=100, keep_idle=1)
    assert traffic(serving) == {"2": 0, "3": 100}
    assert len(serving.deploys) == before and len(serving.uploads) == 3


def test_other_models_on_the_endpoint_are_left_alone(
    serving: FakeServing, settings: Deployment
) -> None:
    release(settings, 1, model="Others")
    release(settings, 2)
    (endpoint,) = serving.endpoints.values()
    assert [d.model.rpartition("/")[2] for d in endpoint.deployed_models] == ["others", "flowers"]


@pytest.mark.parametrize(
    ("before", "percent", "after"),
    [
        ({}, 10, {"0": 100}),
        ({"a": 100}, 0, {"a": 100}),
        ({"a": 100}, 100, {"0": 100}),
        ({"a": 34, "b": 33, "c": 33}, 10, {"a": 30, "b": 30, "c": 30, "0": 10}),
        ({"a": 99, "b": 1}, 50, {"a": 50, "0": 50}),
        ({"a": 60, "0": 40}, 70, {"a": 30, "0": 70}),
    ],
)
def test_traffic_split(before: dict[str, int], percent: int, after: dict[str, int]) -> None:
    from components.vertex.endpoint import traffic_split

    found = traffic_split(before, "0", percent)
    assert sum(found.values()) == 100
    assert found == after


def test_idle_versions_leave_the_oldest_first(serving: FakeServing, settings: Deployment) -> None:
    for number in (1, 2, 3, 4):
        release(settings, number, keep_idle=3)
    assert traffic(serving) == {"1": 0, "2": 0, "3": 0, "4": 100}
    release(settings, 4, keep_idle=1)
    assert traffic(serving) == {"3": 0, "4": 100}
    release(settings, 4)
    assert traffic(serving) == {"4": 100}


def test_an_undeployment_whose_answer_is_lost_is_done_once(
    serving: FakeServing, settings: Deployment
) -> None:
    release(settings, 1)
    serving.failures["UndeployModel"] = [LOST]
    release(settings, 2)
    assert traffic(serving) == {"2": 100}
    assert serving.calls.count("UndeployModel") == 1
