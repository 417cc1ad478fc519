"""Better than chance: the exact test, its border, and the sentences."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, pearsonr

from components.model_gate.chance import examples_needed, wins_needed
from components.model_gate.judging import judge
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems.class_tally import ClassTally
from trainer_modules.engine.problems.value_tally import RegressionTally
from trainer_modules.engine.task.gates import BetterThanChance


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


def regression(truth: np.ndarray, guesses: np.ndarray, pieces: int = 1) -> dict[str, Any]:
    """Returns what Evaluator's own tally makes of these numbers, counted in pieces."""
    tally = RegressionTally()
    for part in np.array_split(np.arange(len(truth)), pieces):
        one = RegressionTally()
        rows = [{"value": np.float32(guesses[i])} for i in part]
        one.add([truth[i] for i in part], rows, [str(i) for i in part])
        tally.merge(one)
    found = {"metrics": tally.metrics(), "per_class": {}, "details": tally.details()}
    return {**found, "slices": {}, "baseline": None}


def test_a_regression_must_beat_the_mean() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(20, 9, 150)
    for noise, blessed in ((5.0, True), (40.0, False)):
        guesses = truth + rng.normal(0, noise, 150)
        found = regression(truth, guesses, pieces=4)
        # Pearson's test: its probability is that of the shuffles where the targets are normal.
        exact = pearsonr(truth, guesses, alternative="greater").pvalue
        assert found["details"]["chance"]["p_value"] == pytest.approx(max(exact, 0.001), abs=0.01)
        assert found["details"]["chance"] == regression(truth, guesses)["details"]["chance"]
        verdict = judge([BetterThanChance()], found)
        assert verdict.blessed is blessed
        assert "always answering the mean" in verdict.gates[0].message
    assert "is not better than" in verdict.message and "r2 -" in verdict.message


def test_numbers_that_ignore_the_input_pass_as_rarely_as_promised() -> None:
    """Half-guessed means of skewed targets are nearer than the mean itself for most examples."""
    rng = np.random.default_rng(1)
    blessed = nearer = 0
    for _ in range(200):
        truth = rng.exponential(size=400)
        guesses = 0.98 * truth.mean() + 0.02 * rng.normal(size=400)
        closer = np.abs(guesses - truth) < np.abs(truth.mean() - truth)
        nearer += closer.sum() >= wins_needed(400, 0.5, 0.95)
        blessed += judge([BetterThanChance()], regression(truth, guesses)).blessed
    assert nearer > 150  # What a sign test would conclude.
    assert blessed <= 15  # Binomial(200, 0.05) exceeds this with a probability of 0.04.


@pytest.mark.parametrize(("of", "blessed"), [(2, False), (3, False), (4, True), (40, True)])
def test_how_many_numbers_are_evidence(of: int, blessed: bool) -> None:
    truth = np.arange(of) ** 2.0
    verdict = judge([BetterThanChance()], regression(truth, truth))
    assert verdict.blessed is blessed
    if not blessed:
        assert "at least 4 test examples would be needed" in verdict.message
    strict = judge([BetterThanChance(confidence=0.9999)], regression(truth, truth))
    assert not strict.blessed and "can be shown is 0.999" in strict.message


def test_zeros_may_be_the_commonest_target() -> None:
    """Counts of which most are 0: a good model is seldom nearer than the median, which is 0."""
    rng = np.random.default_rng(2)
    truth = np.where(rng.random(200) < 0.8, 0.0, rng.integers(1, 5, 200))
    guesses = truth + rng.normal(0, 0.3, 200)
    assert judge([BetterThanChance()], regression(truth, guesses)).blessed


@pytest.mark.parametrize("constant", [3.7, 1e9])
def test_one_constant_for_all_is_refused(constant: float) -> None:
    truth = constant + np.arange(50.0)
    for answer in (constant, float(truth.mean())):
        assert not judge([BetterThanChance()], regression(truth, np.full(50, answer))).blessed


def test_masks_must_beat_one_class_for_each_image() -> None:
    import io

    from PIL import Image

    from trainer_modules.engine.problems.mask_tally import MaskTally

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


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1.0}, {"confidence": 0.2}, {"examples_per_class": 0}]
)
def test_values_that_make_no_test(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received"):
        BetterThanChance(**wrong)
