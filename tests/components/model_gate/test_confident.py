"""Gates with a confidence: what they refuse, what they demand, and their sentences."""

from typing import Any

import numpy as np
import pytest

from components.evaluator.outcomes import OutcomeTable
from components.model_gate import confident, fractions
from components.model_gate.judging import judge
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, Regression
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse

CLASSES = tuple("abcde")
PROBLEM = Classification(classes=CLASSES)


def evaluation(
    right: np.ndarray,
    before: np.ndarray | None = None,
    *,
    classes: np.ndarray | None = None,
    slices: np.ndarray | None = None,
) -> tuple[dict[str, Any], OutcomeTable]:
    """Returns report and outcomes of models that are right on these examples, by the real tally."""
    count = len(right)
    truth = np.arange(count) % len(CLASSES) if classes is None else classes
    groups = np.zeros(count, int) if slices is None else slices
    labels = [CLASSES[i] for i in truth]
    ids = [f"{i:05}" for i in range(count)]

    def predicted(hits: np.ndarray) -> list[dict[str, np.ndarray]]:
        answers = np.where(hits, truth, (truth + 1) % len(CLASSES))
        p = np.full((count, len(CLASSES)), 0.05, np.float32)
        p[np.arange(count), answers] = 0.8
        return [{"probabilities": row} for row in p]

    def told(hits: np.ndarray) -> dict[str, Any]:
        def of(rows: np.ndarray) -> dict[str, Any]:
            tally, answers = PROBLEM.tally(), predicted(hits)
            chosen = np.flatnonzero(rows)
            tally.add(*([given[i] for i in chosen] for given in (labels, answers, ids)))
            return {"metrics": tally.metrics(), "per_class": tally.per_class()}

        named = {f"group={g}": of(groups == g) for g in np.unique(groups)}
        return {**of(np.ones(count, bool)), "slices": named}

    models = {"candidate": PROBLEM.tally().columns(labels, predicted(right))}
    if before is not None:
        models["baseline"] = PROBLEM.tally().columns(labels, predicted(before))
    report = {
        **told(right),
        "baseline": None if before is None else told(before),
        "baseline_reason": "Compared with the last blessed model.",
        "shared": None,
    }
    return report, OutcomeTable(PROBLEM, (), ids, [(f"group={g}",) for g in groups], models)


def pair(count: int, gained: int, lost: int, both: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Returns which examples two models have right."""
    now = np.arange(count) < count * both
    before = now.copy()
    right, wrong = np.flatnonzero(now), np.flatnonzero(~now)
    now[right[:: max(1, len(right) // lost)][:lost] if lost else []] = False
    now[wrong[:: max(1, len(wrong) // gained)][:gained] if gained else []] = True
    return now, before


def judged(gate: Any, report: dict[str, Any], table: OutcomeTable) -> list[Any]:
    return list(judge([gate], report, lambda: table).gates)


SURE = NoWorse("accuracy", tolerance=0.01, confidence=0.95)


def test_only_a_loss_that_is_shown_refuses() -> None:
    report, table = evaluation(*pair(1000, 20, 40))
    (kept,) = judged(SURE, report, table)
    # The values alone would refuse a loss of 0.02.
    assert not judge([NoWorse("accuracy", tolerance=0.01)], report).blessed
    assert kept.passed and kept.n == 1000
    assert kept.p_value == fractions.paired_p_value(20, 40, 1000, 0.01)
    assert kept.interval == pytest.approx(fractions.paired_interval(20, 40, 1000, 0.05))
    assert kept.message == (
        "accuracy 0.88, the last blessed model's 0.90: change -0.02 [-0.0333, -0.00743] on 1,000 "
        "examples; a loss of more than 0.01 is not shown at confidence 0.95 (p = 0.099); a loss of "
        "0.029 would be found with a probability of 80%"
    )
    (lost,) = judged(SURE, *evaluation(*pair(1000, 10, 50)))
    assert lost.passed is False and lost.p_value < 0.01
    assert lost.interval[1] <= -0.01 and "more than 0.01 is shown" in lost.message
    assert lost.plain()["detectable"] == lost.detectable > 0.01


def test_small_losses_without_a_tolerance_are_mcnemars() -> None:
    gate = NoWorse("accuracy", confidence=0.95)
    for lost, passed in ((4, True), (5, False)):
        (one,) = judged(gate, *evaluation(*pair(60, 0, lost)))
        assert one.passed is passed and one.p_value == pytest.approx(0.5**lost)


def test_classes_are_corrected_for_their_number() -> None:
    """One class of five loses 6 of 40: alone it would be shown, among five it is not."""
    now = before = np.ones(200, bool)
    now = now.copy()
    now[np.flatnonzero(np.arange(200) % 5 == 2)[:6]] = False
    gate = NoWorse("recall", each_class=True, confidence=0.95)
    found = {one.class_name: one for one in judged(gate, *evaluation(now, before))}
    assert found["c"].p_value == pytest.approx(5 * 0.5**6) and found["c"].passed
    assert "corrected for 5 comparisons" in found["c"].message and found["c"].n == 40
    now[np.flatnonzero(np.arange(200) % 5 == 2)[:8]] = False
    found = {one.class_name: one for one in judged(gate, *evaluation(now, before))}
    assert [name for name, one in found.items() if one.passed is False] == ["c"]


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss", "weighted_precision"])
def test_other_metrics_are_resampled(metric: str) -> None:
    gate = NoWorse(metric, confidence=0.95, lower_is_better=metric == "log_loss")
    (kept,) = judged(gate, *evaluation(*pair(300, 9, 10)))
    assert kept.passed and kept.interval[0] < kept.value - kept.baseline < kept.interval[1]
    (lost,) = judged(gate, *evaluation(*pair(300, 2, 25)))
    assert lost.passed is False and lost.p_value <= 0.01 and lost.n == 300
    assert lost.interval[0] * lost.interval[1] > 0


def test_precision_of_a_class_is_resampled_because_predictions_differ() -> None:
    gate = NoWorse("precision", each_class=True, confidence=0.95)
    now, before = pair(300, 0, 40)
    found = judged(gate, *evaluation(now, before))
    assert {one.class_name for one in found} == set(CLASSES)
    assert any(one.passed is False for one in found)


def test_slices_of_a_feature() -> None:
    now, before = pair(400, 0, 40)
    report, table = evaluation(now, before, slices=np.where(now == before, 0, 1))
    found = judged(NoWorse("accuracy", slice="group", confidence=0.95), report, table)
    assert {one.slice: (one.n, one.passed) for one in found} == {
        "group=0": (360, True),
        "group=1": (40, False),
    }
    (only,) = judged(NoWorse("accuracy", slice="group=0"), report, table)
    assert only.passed and only.slice == "group=0" and only.interval is None
    demanded = judged(AtLeast("accuracy", 0.8, slice="group", confidence=0.9), report, table)
    assert [one.passed for one in demanded] == [True, False]
    with pytest.raises(BadInputError, match="without examples"):
        judged(NoWorse("accuracy", slice="grupe"), report, table)


def test_a_bound_must_be_shown_to_be_kept() -> None:
    report, table = evaluation(np.arange(200) < 184)
    plain, sure = AtLeast("accuracy", 0.9), AtLeast("accuracy", 0.9, confidence=0.95)
    assert judge([plain], report).blessed
    (one,) = judged(sure, report, table)
    assert one.passed is False and one.interval[0] < 0.9 and one.n == 200
    assert one.message == (
        "accuracy 0.920 [0.881, 0.949] on 200 examples is not shown to be >= 0.9 at confidence "
        "0.95 (p = 0.21); a model with 0.950 passes with a probability of 80%"
    )
    (kept,) = judged(AtLeast("accuracy", 0.88, confidence=0.95), report, table)
    assert kept.passed and kept.interval[0] >= 0.88
    for name in ("recall", "precision", "f1"):
        each = judged(AtLeast(name, 0.5, each_class=True, confidence=0.95), report, table)
        assert all(one.passed and one.interval is not None for one in each)
    (ceiling,) = judged(AtMost("log_loss", 0.6, confidence=0.95), report, table)
    assert ceiling.passed and ceiling.interval[1] <= 0.6
    assert not judged(AtMost("log_loss", 0.5, confidence=0.95), report, table)[0].passed


def test_few_examples_show_no_resampled_bound() -> None:
    report, table = evaluation(np.ones(15, bool))
    (one,) = judged(AtLeast("macro_f1", 0.5, confidence=0.95), report, table)
    assert one.passed is False and "at least 20 examples are needed" in one.message
    # All right, but 30 examples miss what one in 20 has with a probability of 0.21.
    report, table = evaluation(np.ones(30, bool))
    (one,) = judged(AtLeast("macro_f1", 0.95, confidence=0.95), report, table)
    assert one.passed is False and one.p_value == pytest.approx(0.95**30)


def test_without_a_baseline_or_outcomes() -> None:
    report, table = evaluation(np.ones(50, bool))
    (left,) = judged(SURE, report, table)
    assert left.status == "not_compared" and left.interval is None
    report, _ = evaluation(*pair(50, 1, 1))
    with pytest.raises(BadInputError, match="Evaluate the model again"):
        judge([SURE], report)
    with pytest.raises(ValueError, match="confidence must be"):
        NoWorse("accuracy", confidence=95)


def test_numbers_are_compared_in_pairs() -> None:
    """Both models err by 10, but one by 0.2 more on each example: only the pairs show it."""
    random = np.random.default_rng(0)
    truth = random.normal(0, 50, 200)
    error = random.normal(0, 10, 200)
    problem = Regression(target="age")
    columns = {
        "candidate": {"truth": truth, "value": truth + error + np.sign(error) * 0.2},
        "baseline": {"truth": truth, "value": truth + error},
    }
    table = OutcomeTable(problem, (), [str(i) for i in range(200)], [()] * 200, columns)
    sides = []
    for name in ("candidate", "baseline"):
        tally = problem.tally()
        tally.add(list(truth), [{"value": np.array(v)} for v in columns[name]["value"]], table.ids)
        sides.append({"metrics": tally.metrics(), "per_class": {}, "slices": {}})
    report = {**sides[0], "baseline": sides[1], "baseline_reason": "", "shared": None}
    for metric, lower in (("mae", True), ("r2", False), ("rmse", True)):
        gate = NoWorse(metric, confidence=0.95, lower_is_better=lower)
        (one,) = judged(gate, report, table)
        assert one.passed is False, metric
    (kept,) = judged(NoWorse("mae", 0.3, lower_is_better=True, confidence=0.95), report, table)
    assert kept.passed and kept.interval == pytest.approx((0.2, 0.3), abs=0.11)


def test_the_table_is_read_once() -> None:
    report, table = evaluation(*pair(60, 1, 1))
    reads = []
    judge(
        [SURE, SURE, AtLeast("accuracy", 0.1, confidence=0.9)],
        report,
        lambda: reads.append(1) or table,
    )  # type: ignore[func-returns-value]
    assert reads == [1]
    assert confident.table_of(SURE, table) is table
