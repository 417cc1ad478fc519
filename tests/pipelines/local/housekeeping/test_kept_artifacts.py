"""What something still needs, against a real metadata store."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.fixture
def nights(tmp_path: Path, tfx_ready: Any) -> Any:
    from tests.pipelines.local.housekeeping.nightly_root import Nights

    return Nights(tmp_path)


def _read(nights: Any) -> Any:
    from pipelines.local.housekeeping import freeing

    return freeing._lineage(nights.config)


def _needed(nights: Any, keep: int, **what: Any) -> set[int]:
    from pipelines.local.housekeeping import kept_artifacts

    known = _read(nights)
    runs = kept_artifacts.kept_runs(known, keep)
    given = {"versions": (), "models": (), **what}
    return kept_artifacts.needed(known, runs, **given)


def _ids(made: dict[str, Any], *names: str) -> set[int]:
    return {made[name].id for name in names or made}


MADE_FROM = ("examples", "transformed_examples", "transform_graph", "model", "model_run")
ABOUT = ("statistics", "evaluation", "blessing")


def test_the_last_nights_need_all_they_read_and_wrote(nights: Any) -> None:
    first, second, third = (nights.night(n, blessed=False) for n in range(3))
    needed = _needed(nights, 2)
    assert needed >= _ids(second) | _ids(third) and not needed & _ids(first)


def test_a_version_that_exists_needs_its_model_and_what_made_it(nights: Any) -> None:
    first, second, third = (nights.night(n) for n in range(3))
    needed = _needed(nights, 1, versions={"100"})
    assert needed >= _ids(first, *MADE_FROM, *ABOUT)
    assert not needed & _ids(first, "pushed_model") and not needed & _ids(second)
    assert needed >= _ids(third)


def test_a_model_that_waits_needs_the_same(nights: Any) -> None:
    first = nights.night(0, pushed=False)
    nights.night(1, blessed=False)
    nights.night(2)
    needed = _needed(nights, 1, models={first["model"].uri})
    assert needed >= _ids(first, *MADE_FROM)


def test_a_model_needs_the_one_it_started_from_but_not_all_before(nights: Any) -> None:
    first = nights.night(0)
    second = nights.night(1, base=first["model"])
    third = nights.night(2, base=second["model"])
    nights.night(3)
    needed = _needed(nights, 1, versions={"102"})
    assert needed >= _ids(third, *MADE_FROM) | _ids(second, "model")
    assert not needed & _ids(second, "examples") and not needed & _ids(first)


def test_the_last_blessed_model_stays_to_compare_with(nights: Any) -> None:
    nights.night(0)
    second = nights.night(1)
    nights.night(2, blessed=False)
    needed = _needed(nights, 1)
    assert needed >= _ids(second, "model", "blessing")


def test_failed_nights_do_not_displace_the_last_good_one(nights: Any) -> None:
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata

    from pipelines.local import metadata_store
    from pipelines.local.housekeeping import kept_artifacts

    nights.night(0)
    nights.night(1, blessed=False)
    with metadata.Metadata(metadata_store.connection(nights.config.metadata_file)) as handle:
        last = max(handle.store.get_executions(), key=lambda e: e.id)
        last.last_known_state = metadata_store_pb2.Execution.FAILED
        handle.store.put_executions([last])
    assert kept_artifacts.kept_runs(_read(nights), 1) == [
        "20240101-030005-000",
        "20240102-030000-000",
    ]


def test_artifacts_of_other_pipelines_in_the_same_store_are_not_looked_at(nights: Any) -> None:
    import dataclasses

    from pipelines.local.housekeeping import freeing

    nights.night(0)
    uri = nights.config.metadata_file
    other = dataclasses.replace(nights.config, name="dishes", metadata=uri)
    assert freeing._lineage(other).runs == {}
    elsewhere = dataclasses.replace(nights.config, root="/elsewhere", metadata=uri)
    assert freeing._lineage(elsewhere).artifacts == {}
