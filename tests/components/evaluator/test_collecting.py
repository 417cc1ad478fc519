"""Collecting outcomes: the same table however Beam splits the examples, and bounded."""

import pickle
from typing import Any

import numpy as np
import pytest

from pipelines import startup

startup.prepare()

from components.evaluator import collecting, outcomes  # noqa: E402
from trainer_modules.engine.problems import Classification  # noqa: E402

CLASSES = ("cat", "dog", "fox")


def element(i: int, name: str | None = None) -> dict[str, Any]:
    p = np.random.default_rng(i).dirichlet(np.ones(3)).astype(np.float32)
    prediction = {"candidate": {"probabilities": p}, "baseline": {"probabilities": p[[1, 2, 0]]}}
    label = np.array([CLASSES[i % 3].encode()], object)
    return {
        "labels": {"candidate": label, "baseline": label},
        "predictions": prediction,
        "features": {"id": np.array([(name or f"{i:03}").encode()], object), "image": b"large"},
        "_slice_key_types": [(), (("format", "PNG"),), (("size", i % 2),)],
    }


def collector() -> collecting.Collect:
    names = {"candidate": outcomes.CANDIDATE, "baseline": outcomes.BASELINE}
    return collecting.Collect(Classification(classes=CLASSES), (), names)


def collected(parts: list[list[dict[str, Any]]]) -> Any:
    combine, accumulators = collector(), []
    for part in parts:
        accumulator = combine.create_accumulator()
        for one in part:
            accumulator = combine.add_input(accumulator, one)
        # Beam sends accumulators between processes.
        accumulators.append(pickle.loads(pickle.dumps(combine.compact(accumulator))))
    return combine.extract_output(combine.merge_accumulators(accumulators))


def assert_equal(a: Any, b: Any) -> None:
    assert (a.ids, a.slices) == (b.ids, b.slices)
    assert a.columns.keys() == b.columns.keys()
    for key in a.columns:
        assert np.array_equal(a.columns[key], b.columns[key])


def test_bundles_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_BATCH", 7)
    elements = [element(i) for i in range(40)]
    whole = collected([elements])
    assert whole.ids == [f"{i:03}" for i in range(40)]
    assert whole.slices[3] == ("format=PNG", "size=1")
    predicted = whole.columns["candidate", "predicted"]
    answers = [one["predictions"]["candidate"]["probabilities"].argmax() for one in elements]
    assert predicted.tolist() == [CLASSES[i] for i in answers]
    assert_equal(collected([elements[30:], [], elements[:11][::-1], elements[11:30]]), whole)


def test_examples_without_ids_have_an_order_too() -> None:
    elements = [element(i, "same") for i in range(9)]
    assert_equal(collected([elements[4:], elements[:4]]), collected([elements[::-1]]))


def test_no_more_than_the_bound_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_BATCH", 3)
    monkeypatch.setattr(collecting, "MOST_EXAMPLES", 10)
    elements = [element(i) for i in range(90)]
    whole = collected([elements])
    assert len(whole.ids) == 10 and whole.ids == sorted(whole.ids)
    assert_equal(collected([elements[50:], elements[:50][::-1]]), whole)
    assert {len(values) for values in whole.columns.values()} == {10}


def test_nothing_to_collect() -> None:
    assert collected([[]]).ids == []
