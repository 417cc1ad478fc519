"""What a model was made from, read in a real ML Metadata store."""

import shutil

import pytest

from pipelines.local.ancestry import family
from tests.pipelines.local.ancestry.lineage_store import LineageStore

ONE = {"span": "span-001", "number": 1, "version": None, "counts": {"train": 8}, "sha256": "a"}
TWO = {"span": "span-002", "number": 2, "version": 3, "counts": {"train": 8}, "sha256": "b"}


@pytest.fixture
def notes(tmp_path) -> LineageStore:
    return LineageStore(tmp_path)


def test_a_model_knows_its_data_settings_run_and_metrics(notes) -> None:
    model = notes.model([ONE, TWO], name="mine")
    told = family.of_model(notes.store, model)
    assert told is not None
    assert told.spans == (ONE, TWO)
    assert (told.data, told.fingerprint) == ("/data/span-{SPAN}", "files:9")
    assert told.counts == {"train": 8, "rejected": 1}
    assert (told.settings, told.start) == ({"name": "mine"}, "")
    assert told.run == {"run_id": "20261121-030000-000"}
    assert told.metrics == {"accuracy": 0.5}


def test_what_was_removed_is_not_there_and_the_rest_is(notes) -> None:
    model = notes.model([ONE])
    for folder in (notes.folder / "artifacts").iterdir():
        shutil.rmtree(folder)
    told = family.of_model(notes.store, model)
    assert told is not None
    assert (told.spans, told.counts, told.metrics) == ((), {}, {})
    assert told.run and told.data


def test_the_evaluation_is_its_own_and_not_that_of_its_successor(notes) -> None:
    first = notes.model([ONE])
    evaluation = notes.artifact("ModelEvaluation")
    with open(f"{evaluation.uri}/report.json", "w") as f:
        f.write('{"metrics": {"accuracy": 0.9}}')
    inputs = {"model": notes.artifact("Model"), "baseline_model": first}
    notes.execution("ImageEvaluator", inputs, {"evaluation": evaluation})
    told = family.of_model(notes.store, first)
    assert told is not None and told.metrics == {"accuracy": 0.5}


def test_a_model_that_nobody_trained_has_no_ancestry(notes) -> None:
    model = notes.artifact("Model")
    notes.execution("PretrainedModel", {}, {"model": model})
    assert family.of_model(notes.store, model) is None
    assert family.of_model(notes.store, notes.artifact("Model")) is None


@pytest.mark.parametrize("span", ["span-001", "1", "001", "span-001/"])
def test_a_span_touches_its_models_and_those_that_started_from_them(notes, span) -> None:
    first = notes.model([ONE])
    second = notes.model([TWO], start=first)
    third = notes.model([TWO], start=second)
    other = notes.model([TWO])
    known = [family.of_model(notes.store, m) for m in family.models(notes.store)]
    how = family.touched([a for a in known if a], span)
    assert set(how) == {first.uri, second.uri, third.uri} and other.uri not in how
    assert how[first.uri] == "it learnt from the span"
    assert how[third.uri] == f"it started from {second.uri}"


def test_a_number_is_no_part_of_a_name(notes) -> None:
    notes.model([{**ONE, "span": "span-011", "number": 11}])
    (known,) = [family.of_model(notes.store, m) for m in family.models(notes.store)]
    assert known is not None
    assert family.touched([known], "1") == {} and family.touched([known], "11")


def test_a_store_without_models_has_none(notes) -> None:
    assert family.models(notes.store) == []
