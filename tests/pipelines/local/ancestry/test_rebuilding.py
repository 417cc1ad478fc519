"""Repeating recorded executions; tests/test_rebuild_end_to_end.py makes whole models again."""

import json

import pytest

from pipelines.local.ancestry import family, origin
from tests.pipelines.local.ancestry.lineage_store import LineageStore
from trainer_modules.engine.errors import BadInputError


@pytest.fixture(scope="module")
def rebuilding(tfx_ready):
    from pipelines.local.ancestry import rebuilding

    return rebuilding


def test_nothing_is_reused_and_no_checkpoint_continued(rebuilding, tmp_path) -> None:
    notes = LineageStore(tmp_path)
    config = {"task": "{}", "checkpoints": "/runs/checkpoints", "store": "/runs/store"}
    number = notes.execution(
        *("Trainer", {}, {}),
        custom_config=json.dumps(config),
        store="/runs/store",
        splits='["train"]',
        __schema__splits__='{"value_type": {"list_type": {}}}',
    )
    (execution,) = notes.store.get_executions_by_id([number])
    parameters = rebuilding._parameters(execution)
    assert json.loads(parameters["custom_config"]) == {"task": "{}"}
    assert (parameters["store"], parameters["splits"]) == ("", ["train"])


def test_what_differs_is_named(rebuilding) -> None:
    same = {
        origin.SOURCE: origin.source(),
        origin.LOCK: origin.lock(),
        origin.ENVIRONMENT: json.dumps(origin.environment()),
    }
    assert rebuilding.changes(same) == []
    assert rebuilding.changes({}) == []
    other = {**same, origin.SOURCE: "0", origin.REVISION: "75f8eab2a151", origin.LOCK: "1"}
    assert rebuilding.changes(other) == ["the code (it was 75f8eab2a151)", "uv.lock"]


def test_a_model_whose_start_is_gone_cannot_be_made_again(rebuilding, tmp_path) -> None:
    notes = LineageStore(tmp_path)
    model = notes.model([], start=notes.model([]))
    ancestry = family.of_model(notes.store, model)
    with pytest.raises(BadInputError, match="started from is gone"):
        rebuilding.rebuild(notes.store, ancestry, "unused", str(tmp_path), beam_args=[])


def test_without_data_and_what_was_stored_of_them_it_says_both(rebuilding, tmp_path) -> None:
    notes = LineageStore(tmp_path)
    model = notes.model([])
    for folder in (tmp_path / "artifacts").glob("Examples-*"):
        folder.rmdir()
    ancestry = family.of_model(notes.store, model)
    with pytest.raises(BadInputError, match=r"cannot be read as they were .* is gone"):
        rebuilding.rebuild(notes.store, ancestry, "unused", str(tmp_path / "again"), beam_args=[])
