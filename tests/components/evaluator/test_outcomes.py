"""`outcomes.parquet`: written by a real evaluation, read as pairs, equal to the report."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import startup

startup.prepare()

from components.evaluator import outcomes  # noqa: E402
from tests.components.evaluator.test_component import (  # noqa: E402
    CLASSES,
    a_task,
    compared,
    data,
    examples,
    model,
    rows_of,
    save_model,
)
from trainer_modules.engine.problems.outcomes import WITHOUT_OUTCOMES  # noqa: E402

__all__ = ["compared", "data", "examples", "model"]


def recomputed(given: Any, names: dict[str, Any]) -> dict[str, float]:
    weights = np.ones((1, len(given)))
    return {
        name: float(given.overall(name, weights)[0])
        for name in names
        if name not in WITHOUT_OUTCOMES
    }


def test_each_example_is_a_pair_and_gives_the_reports_figures(compared: Any, data: Any) -> None:
    report, folder = compared
    table = outcomes.read(str(folder))
    assert table is not None
    p, truth = data
    assert sorted(table.ids) == table.ids and len(table.ids) == len(p)
    at = np.array([int(name.split("/")[1]) for name in table.ids])
    now, before = table.paired()
    assert [now.classes[i] for i in now.truth] == [CLASSES[i] for i in truth[at]]
    assert np.array_equal(now.predicted, p[at].argmax(axis=1))
    assert np.array_equal(before.predicted, (1 / p[at]).argmax(axis=1))
    for given, told in ((now, report), (before, report["baseline"]), (table.alone(), report)):
        expected = {k: v for k, v in told["metrics"].items() if k not in WITHOUT_OUTCOMES}
        assert recomputed(given, told["metrics"]) == pytest.approx(expected, abs=1e-6)
        for metric in ("precision", "recall", "f1"):
            values = given.of_classes(metric, np.ones((1, len(given))))[:, 0]
            rows = [told["per_class"][name][metric] for name in given.classes]
            assert values == pytest.approx(rows, abs=1e-9)
    inside = table.within("format=PNG")
    png = report["slices"]["format=PNG"]["metrics"]
    assert inside.sum() == png["example_count"]
    kept = table.alone().taken(inside)
    assert recomputed(kept, png)["macro_f1"] == pytest.approx(png["macro_f1"], abs=1e-9)


def test_other_classes_are_paired_on_the_examples_of_shared_ones(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any, data: Any
) -> None:
    baseline = save_model(tmp_path / "renamed", classes=("鳥", "cat", "horse"))
    report = evaluate(tmp_path / "out", examples, model, a_task(), baseline)
    table = outcomes.read(str(tmp_path / "out"))
    assert table is not None
    shared = tuple(report["shared"]["classes"])
    now, before = table.paired(shared)
    kept = np.flatnonzero(now.counted)
    assert np.array_equal(now.counted, before.counted)
    assert len(kept) == report["shared"]["metrics"]["example_count"] < len(table.ids)
    for given, told in ((now, report["shared"]), (before, report["baseline"])):
        expected = {k: v for k, v in told["metrics"].items() if k not in WITHOUT_OUTCOMES}
        assert recomputed(given.taken(kept), told["metrics"]) == pytest.approx(expected, abs=1e-6)


def test_the_same_classes_in_another_order_pair_by_name(
    tmp_path: Path, examples: Any, model: Any, evaluate: Any
) -> None:
    turned = save_model(tmp_path / "turned", classes=CLASSES[::-1])
    report = evaluate(tmp_path / "out", examples, model, a_task(), turned)
    table = outcomes.read(str(tmp_path / "out"))
    assert table is not None
    now, before = table.paired()
    assert np.array_equal(now.truth, before.truth)
    told = {k: v for k, v in report["baseline"]["metrics"].items() if k not in WITHOUT_OUTCOMES}
    assert recomputed(before, told) == pytest.approx(told, abs=1e-6)


def test_a_baseline_is_evaluated_anew_on_tonights_examples(
    tmp_path: Path, model: Any, data: Any, write_examples: Any, evaluate: Any
) -> None:
    """The same baseline, and other examples: its old report must not count."""
    p, truth = data
    baseline = save_model(tmp_path / "baseline", power=-1.0)
    right = p.argmin(axis=1)
    nights = [rows_of(p, right, "one"), rows_of(p, truth, "two")]
    accuracies = []
    for night, rows in enumerate(nights):
        given = write_examples(tmp_path / f"examples-{night}", {"test": rows})
        # Where a score could be copied from: the evaluation of the night before is still there.
        report = evaluate(tmp_path / f"out-{night}", given, model, a_task(), baseline)
        accuracies.append(report["baseline"]["metrics"]["accuracy"])
    assert accuracies[0] == pytest.approx((right == (1 / p).argmax(axis=1)).mean(), abs=1e-6)
    assert accuracies[1] == pytest.approx((truth == (1 / p).argmax(axis=1)).mean(), abs=1e-6)
    assert accuracies[0] > accuracies[1] + 0.3


def test_an_evaluation_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    assert outcomes.read(str(tmp_path)) is None
    assert not os.listdir(tmp_path)
