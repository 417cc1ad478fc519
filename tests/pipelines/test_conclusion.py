import io

from rich.console import Console

from pipelines import conclusion
from pipelines.summary import Summary, worst_class
from trainer_modules.engine.display import Display


def _gate(name: str | None, value: float | None, bound: float | None, passed: bool | None) -> dict:
    return {
        "name": f"recall of {name}",
        "metric": "recall",
        "class": name,
        "slice": None,
        "bound": bound,
        "value": value,
        "passed": passed,
        "message": f"recall of class '{name}' {value} < {bound}",
    }


def _left(name: str, why: str = "no baseline. Nothing before.") -> dict:
    message = f"recall of class '{name}' not compared: {why}"
    return {
        **_gate(name, None, None, None),
        "kind": "no_worse",
        "status": "not_compared",
        "message": message,
    }


def _shown(summary: Summary) -> str:
    out = io.StringIO()
    conclusion.show(Console(file=out, width=120), summary)
    return out.getvalue()


def _summary(**fields) -> Summary:
    return Summary(task="t", run_id="r", seconds={"total": 1.0}, **fields)


def test_every_failed_gate_has_its_sentence_and_alike_gates_are_one_line() -> None:
    gates = [_gate(str(i), 0.5 + i / 100, 0.6, i >= 10) for i in range(40)]
    text = _shown(_summary(status="not_blessed", gates=gates))
    assert text.count("not blessed: recall of class") == 10
    assert "the nearest of 30" in text and "recall of '10'" in text
    assert text.count(" passed") == 1


def test_what_is_undefined_is_said_and_does_not_stop_the_rest() -> None:
    summary = _summary(
        status="pushed",
        gates=[_gate("a", None, None, True), _left("b")],
        per_class={
            "a": {"precision": None, "recall": 0.0, "f1": None, "support": 3},
            "b": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2},
            "absent": {"precision": None, "recall": None, "f1": None, "support": 0},
        },
        pushed_model="/models/1",
    )
    text = _shown(summary)
    assert "worst class  'a'  precision undefined" in text and "(support 3)" in text
    assert "/models/1" in text


def test_markup_in_class_names_is_text() -> None:
    per_class = {"[bold]x[/]": {"f1": 0.1, "support": 1}}
    assert "'[bold]x[/]'" in _shown(_summary(status="pushed", per_class=per_class))


def test_a_failure_says_why_and_where_the_rest_is() -> None:
    text = _shown(_summary(error="Trainer failed: disk full", log="/logs/1.log"))
    assert "Trainer failed: disk full" in text and "/logs/1.log" in text


def test_worst_class_of_none() -> None:
    assert worst_class({}) is None
    assert worst_class({"road": {"iou": 0.9, "f1": 0.1}, "pole": {"iou": 0.2, "f1": 0.9}}) == (
        "pole",
        {"iou": 0.2, "f1": 0.9},
    )


def test_gates_without_a_baseline_have_not_passed() -> None:
    gates = [_gate("x", 0.9, 0.5, True), _left("a"), _left("b"), _left("c")]
    text = _shown(
        _summary(
            status="pushed",
            gates=gates,
            baseline={"compared": False, "reason": "No model has been blessed before."},
        )
    )
    assert text.count(" passed") == 1
    assert "recall of 'a' against before and 2 more classes" in text and "not compared" in text
    assert "not compared: 3 gates. No model has been blessed before." in text


def test_classes_that_were_not_compared_are_named() -> None:
    reason = "Compared with the last blessed model, /m, on the 2 classes that both know; new added."
    gates = [_left("new", "the last blessed model did not know this class")]
    baseline = {"compared": True, "reason": reason, "added": ["new"], "removed": []}
    text = _shown(_summary(status="pushed", gates=gates, baseline=baseline))
    assert "recall of class 'new' not compared: the last blessed model did not know" in text
    assert reason in text
    # What is gone has no gate that could tell of it.
    baseline |= {"added": [], "removed": ["old"]}
    assert reason in _shown(_summary(status="pushed", gates=[], baseline=baseline))


def test_gates_of_a_run_from_before_there_was_a_status() -> None:
    old = {**_gate("a", None, None, True), "kind": "no_worse"}
    assert _shown(_summary(status="pushed", gates=[old])).count("not compared") == 2


def test_nothing_new_says_what_ran() -> None:
    cached = _shown(_summary(status="nothing_new", cached=["Trainer"]))
    assert "nothing new: every result came from the cache" in cached
    ran = _shown(_summary(status="nothing_new", cached=["Trainer", "Pusher"], ran=["ModelGate"]))
    assert "cache" not in ran
    assert "1 of 3 components ran, and the model is the one that is served already" in ran


def test_the_worst_class_is_named_as_people_call_it() -> None:
    out = io.StringIO()
    display = Display(names=(("41", "End of [no] passing"),))
    summary = _summary(status="pushed", per_class={"41": {"f1": 0.1, "support": 5}})
    conclusion.show(Console(file=out, width=120), summary, display)
    assert "worst class  'End of [no] passing (41)'  f1 0.100" in out.getvalue()
