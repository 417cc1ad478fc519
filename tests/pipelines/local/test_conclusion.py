import io

from rich.console import Console

from pipelines.local import conclusion
from pipelines.local.summary import Summary
from trainer_modules.engine.task.display import Display


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


def test_a_gate_on_every_class_is_one_row_and_one_sentence() -> None:
    gates = [_gate(str(i), 0.5 + i / 100, 0.6, i >= 10) for i in range(101)]
    text = _shown(_summary(status="not_blessed", gates=gates))
    assert text.count("not blessed: recall of class") == 1
    assert "recall of class '0' 0.5 < 0.6; 9 more failed" in text
    assert "recall of each of 101 classes" in text and "10 of 101 failed: '0', '1', '2'" in text
    assert len(text.splitlines()) < 12


def test_a_gate_that_every_class_passed_names_the_worst() -> None:
    gates = [_gate(str(i), 0.7 + abs(i - 5) / 100, 0.6, True) for i in range(101)]
    text = _shown(_summary(status="pushed", gates=gates))
    assert "passed, the worst '5'" in text and "0.7000" in text and "failed" not in text


def test_bounds_that_differ_by_class_are_one_row_too() -> None:
    gates = [
        _gate(str(i), 0.9, 0.8 + i / 1000, True) | {"kind": "no_worse", "baseline": 0.8}
        for i in range(101)
    ]
    text = _shown(_summary(status="pushed", gates=gates))
    assert text.count("passed") == 1 and "the worst '100'" in text


def test_overall_gates_keep_a_row_and_a_sentence_each() -> None:
    gates = [
        _gate(None, 0.5, bound, False) | {"name": f"{m} >= {bound}", "metric": m, "message": m}
        for m, bound in (("accuracy", 0.9), ("macro_f1", 0.8))
    ]
    text = _shown(_summary(status="not_blessed", gates=gates))
    assert text.count("failed") == 2
    assert "not blessed: accuracy" in text and "not blessed: macro_f1" in text


def test_a_gate_with_a_confidence_shows_what_the_examples_show() -> None:
    sure = {"interval": [-0.0333, -0.0074], "n": 1290, "detectable": 0.0212, "p_value": 0.1}
    few = {"interval": None, "n": 7, "detectable": None, "p_value": 1.0}
    gates = [
        _gate(None, 0.9, 0.89, True) | {"kind": "no_worse", "baseline": 0.9, **sure},
        _gate("a", 0.9, 0.8, False) | few,
        _gate(None, 0.9, 0.8, True) | {"name": "plain", "metric": "macro_f1"},
    ]
    text = _shown(_summary(status="not_blessed", gates=gates))
    assert "[-0.033, -0.007] of 1,290, finds 0.021" in text
    assert "[–] of 7" in text
    (plain,) = [line for line in text.splitlines() if "macro_f1" in line and "passed" in line]
    assert "of" not in plain


def test_on_a_narrow_terminal_nothing_is_cut_off_and_in_a_file_nothing_is_coloured() -> None:
    names = ["a rather long name of a dish", "crème brûlée", "[bold]x[/]"]
    gates = [_gate(name, 0.1, 0.6, False) for name in names]
    out = io.StringIO()
    conclusion.show(Console(file=out, width=40), _summary(status="not_blessed", gates=gates))
    text = out.getvalue()
    assert "\x1b" not in text and "…" not in text
    told = " ".join(text.split())
    assert all(word in told for word in ("rather", "crème", "brûlée", "[bold]x[/]"))


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


def test_gates_without_a_baseline_have_not_passed() -> None:
    gates = [_gate("x", 0.9, 0.5, True), _left("a"), _left("b"), _left("c")]
    text = _shown(
        _summary(
            status="pushed",
            gates=gates,
            baseline={"compared": False, "reason": "No earlier model has been blessed."},
        )
    )
    assert text.count(" passed") == 1
    assert "recall of each of 3 classes against before" in text and "not compared" in text
    assert "not compared: 3 gates. No earlier model has been blessed." in text


def test_classes_that_were_not_compared_are_named() -> None:
    reason = (
        "Compared with the last blessed model, /m, on the 2 classes that both models know; new "
        "added."
    )
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
    assert "1 of 3 components ran, and the model is already being served" in ran


def test_the_worst_class_is_named_as_people_call_it() -> None:
    out = io.StringIO()
    display = Display(names=(("41", "End of [no] passing"),))
    summary = _summary(status="pushed", per_class={"41": {"f1": 0.1, "support": 5}})
    conclusion.show(Console(file=out, width=120), summary, display)
    assert "worst class  'End of [no] passing (41)'  f1 0.100" in out.getvalue()


def test_a_held_model_is_shown_with_the_commands_that_decide() -> None:
    held = {"version": "7", "reasons": ["half of the images are dark"]}
    summary = _summary(status="held", held=held, log="/data/night runs/t/logs/r.log")
    text = _shown(summary)
    assert text.splitlines()[1].startswith("held, waiting for approval")
    assert "held: half of the images are dark" in text
    for word in ("approve", "refuse"):
        assert (
            f"python pipelines/run_local.py --{word} t 7 --root '/data/night runs' "
            "--by NAME --reason TEXT" in text
        )


def test_a_model_that_somebody_took_back_is_not_said_to_be_served() -> None:
    why = "version 7 was withdrawn by Ann at T: [wrong] dishes"
    text = _shown(_summary(status="nothing_new", withheld=why, ran=["Pusher"]))
    assert f"nothing new: {why}" in text and "already being served" not in text


def test_the_disk_is_told_in_one_line_with_the_largest_parts() -> None:
    sizes = {"Transform": 2_000_000, "served": 900_000, "Trainer": 800_000, "logs": 5}
    shown = _shown(_summary(status="pushed", disk={**sizes, "total": 3_700_005}))
    assert "disk    3.7 MB (Transform 2.0 MB, served 900 KB, Trainer 800 KB)" in shown
    assert "disk" not in _shown(_summary(status="pushed"))


def test_each_drift_has_a_line() -> None:
    findings = [{"sentence": "labels of [the] newest span: more"}, {"sentence": "height: 8, 10"}]
    text = _shown(_summary(status="pushed", drift={"status": "warned", "findings": findings}))
    assert "drift: labels of [the] newest span: more\ndrift: height: 8, 10" in text
    held = {"version": "7", "reasons": ["drift: height: 8, 10"]}
    drift = {"status": "held", "findings": findings[1:]}
    log = "/d/r/t/logs/r.log"
    text = _shown(_summary(status="held", drift=drift, held=held, log=log))
    assert text.count("height: 8, 10") == 1
