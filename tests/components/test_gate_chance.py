"""Better than chance: the exact test, its border, and the sentences."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from components.gate_chance import examples_needed, wins_needed
from components.gate_judging import judge
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.evaluation_classes import ClassTally
from trainer_modules.engine.evaluation_regression import RegressionTally
from trainer_modules.engine.gates import BetterThanChance


def report_of(truth: list[str], predicted: list[str], classes: list[str]) -> dict[str, Any]:
    """Returns what Evaluator's own tally makes of these labels."""
    tally = ClassTally(tuple(classes))
    rows = [{"probabilities": np.float32([c == p for c in classes])} for p in predicted]
    tally.add(truth, rows, [str(i) for i in range(len(truth))])
    return {
        "metrics": tally.metrics(),
        "per_class": tally.per_class(),
        "details": tally.details(),
        "slices": {},
        "baseline": None,
    }


@pytest.mark.parametrize("of", [1, 5, 20, 125, 1000])
@pytest.mark.parametrize("odds", [0.02, 0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_the_bound_is_that_of_scipys_exact_test(of: int, odds: float, confidence: float) -> None:
    least = wins_needed(of, odds, confidence)
    assert binomtest(least - 1, of, odds, alternative="greater").pvalue > 1 - confidence
    if least <= of:
        assert binomtest(least, of, odds, alternative="greater").pvalue <= 1 - confidence + 1e-12


def test_what_knows_nothing_is_refused_and_the_sentence_counts() -> None:
    """Ten classes, accuracy 0.07: what was once pushed with all gates passed."""
    classes = [f"c{i}" for i in range(10)]
    truth = classes * 10
    predicted = [t if i < 7 else classes[(i + 1) % 10] for i, t in enumerate(truth)]
    verdict = judge([BetterThanChance()], report_of(truth, predicted, classes))
    assert not verdict.blessed
    assert verdict.message == (
        "not blessed: accuracy 0.07 on 100 examples is not shown to be better than always "
        "answering 'c0' (0.10): 7 right, 16 needed at confidence 0.95."
    )
    (gate,) = (one.plain() for one in verdict.gates)
    assert (gate["kind"], gate["metric"], gate["value"], gate["bound"], gate["support"]) == (
        *("better_than_chance", "accuracy", 0.07, 0.16, 100),
    )
    assert (gate["passed"], gate["status"]) == (False, "failed")


@pytest.mark.parametrize(("right", "blessed"), [(15, False), (16, True)])
def test_the_border(right: int, blessed: bool) -> None:
    classes = [f"c{i}" for i in range(10)]
    truth = classes * 10
    predicted = [t if i < right else classes[(i + 1) % 10] for i, t in enumerate(truth)]
    verdict = judge([BetterThanChance()], report_of(truth, predicted, classes))
    assert verdict.blessed is blessed
    if blessed:
        assert verdict.gates[0].message == (
            "accuracy 0.16 on 100 examples is better than always answering 'c0' (0.10): 16 right, "
            "16 needed at confidence 0.95"
        )
    else:
        assert "; at this rate about 134 test examples would be needed" in verdict.message


def test_the_commonest_class_is_what_must_be_beaten() -> None:
    """0.9 of ten classes is no more than always naming the one that 90 of 100 examples show."""
    classes = [f"c{i}" for i in range(10)]
    truth = ["c0"] * 90 + classes[1:] + ["c1"]
    verdict = judge([BetterThanChance()], report_of(truth, ["c0"] * 100, classes))
    assert not verdict.blessed and "'c0' (0.90)" in verdict.message
    assert "would be needed" not in verdict.message


@pytest.mark.parametrize("count", [2, 3, 10, 101])
def test_one_picture_of_each_class_blesses_no_model(count: int) -> None:
    classes = [f"c{i}" for i in range(count)]
    verdict = judge([BetterThanChance()], report_of(classes, classes, classes))
    assert not verdict.blessed
    fewest = max(2 * count, 5 if count == 2 else 0)
    assert f"at least {fewest} test examples would be needed" in verdict.message
    assert verdict.gates[0].bound is None


def test_as_many_as_the_sentence_says_are_enough() -> None:
    for classes in (["a", "b"], ["a", "b", "c"], [f"c{i}" for i in range(30)]):
        odds = 1 / len(classes)
        fewest = examples_needed(1.0, odds, 0.95, 2 * len(classes))
        truth = [classes[i % len(classes)] for i in range(fewest)]
        found = report_of(truth, truth, classes)
        if found["details"]["chance"]["odds"] == odds:
            assert judge([BetterThanChance()], found).blessed
    for rate in (0.12, 0.3, 0.6):
        more = examples_needed(rate, 0.1, 0.95, 20)
        assert wins_needed(more, 0.1, 0.95) <= rate * more + 1e-9


def test_one_class_alone_can_not_be_judged_to_be_known() -> None:
    verdict = judge([BetterThanChance()], report_of(["a"] * 50, ["a"] * 50, ["a", "b"]))
    assert not verdict.blessed and "no number of such test examples" in verdict.message


def test_a_regression_must_beat_the_mean() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(20, 9, 150)
    for noise, blessed in ((5.0, True), (40.0, False)):
        tally = RegressionTally()
        guesses = truth + rng.normal(0, noise, 150)
        for part in np.array_split(np.arange(150), 4):
            one = RegressionTally()
            rows = [{"value": np.float32(guesses[i])} for i in part]
            one.add([truth[i] for i in part], rows, [str(i) for i in part])
            tally.merge(one)
        found = {"metrics": tally.metrics(), "per_class": {}, "details": tally.details()}
        nearer = (np.abs(guesses - truth) < np.abs(truth - truth.mean())).sum()
        assert found["details"]["chance"]["wins"] == nearer
        exact = binomtest(nearer, 150, 0.5, alternative="greater").pvalue
        verdict = judge([BetterThanChance()], {**found, "slices": {}, "baseline": None})
        assert verdict.blessed is blessed is bool(exact <= 0.05)
        assert "always answering the mean" in verdict.gates[0].message


def test_masks_must_beat_one_class_for_each_image() -> None:
    import io

    from PIL import Image

    from trainer_modules.engine.evaluation_masks import MaskTally

    def png(ids: np.ndarray) -> bytes:
        out = io.BytesIO()
        Image.fromarray(ids.astype(np.uint8)).save(out, "PNG")
        return out.getvalue()

    truth = np.zeros((8, 8), int)
    truth[:, 5:] = 1
    void = np.full((8, 8), 9)
    for predicted, wins in ((truth, 6), (np.zeros((8, 8), int), 0)):
        tally = MaskTally(("road", "sky"), void=9)
        for i in range(6):
            one = MaskTally(("road", "sky"), void=9)
            one.add([png(truth)], [np.array(png(predicted), object)], [str(i)])
            tally.merge(one)
        tally.add([png(void)], [np.array(png(predicted), object)], ["void"])
        details = tally.details()
        chance = details["chance"]
        assert (chance["wins"], chance["of"], chance["floor"]) == (wins, 6, 5 / 8)
        report = {"metrics": tally.metrics(), "per_class": tally.per_class(), "details": details}
        verdict = judge([BetterThanChance()], {**report, "slices": {}, "baseline": None})
        assert verdict.blessed is (wins == 6)


def test_an_evaluation_without_the_count_is_an_error() -> None:
    with pytest.raises(BadInputError, match="contains no counts"):
        judge([BetterThanChance()], {"metrics": {}, "details": {}, "baseline": None})


@pytest.mark.parametrize("wrong", [{"confidence": 1.0}, {"confidence": 0.2}, {"per_class": 0}])
def test_values_that_make_no_test(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received"):
        BetterThanChance(**wrong)
