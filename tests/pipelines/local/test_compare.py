import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipelines.local import archive, compare
from tests.components.report import accessibility, browser
from tests.pipelines.local.conftest import CLASSES, FIRST, SECOND, archived_summary


def _compared(folder: str, a: str = "previous", b: str = "latest") -> dict[str, Any]:
    return compare.compare(archive.find(folder, a), archive.find(folder, b))


def test_differences_are_those_of_the_runs(folder: str) -> None:
    found = _compared(folder)
    old, new = (archived_summary(name, i) for i, name in enumerate((FIRST, SECOND)))
    rows = {row["name"]: row for row in found["metrics"]}
    by = new["metrics"]["accuracy"] - old["metrics"]["accuracy"]
    assert rows["accuracy"]["change"]["by"] == pytest.approx(by)
    moved = {name: new["per_class"][name]["f1"] - old["per_class"][name]["f1"] for name in CLASSES}
    assert {row["name"]: row["change"]["by"] for row in found["classes"]} == pytest.approx(moved)
    assert found["classes"][0]["name"] == max(moved, key=lambda name: abs(moved[name]))
    assert found["settings"] == [("phases.0.epochs", "60", "20")]
    assert found["gates"] == [("accuracy >= 0.97", "failed", "passed")]
    assert ("Trainer", 3.0, 4.0) in found["seconds"]


def _judged(name: str, status: str, kind: str = "no_worse", **more: Any) -> dict[str, Any]:
    passed = {"passed": True, "failed": False}.get(status)
    found = {"name": name, "kind": kind, "metric": "accuracy", "class": None, "slice": None}
    return found | {"passed": passed, "status": status} | more


def test_gates_are_known_by_what_they_are_on_and_none_is_dropped() -> None:
    margin = "accuracy no worse than before by more than 0.01"
    first = [
        # The names that a run of an earlier version wrote, without and with a baseline.
        {**_judged(margin, "", bound=None), "passed": True},
        _judged("accuracy >= 0.97", "passed", "at_least"),
        _judged("recall >= 0.8", "passed", "at_least", metric="recall", **{"class": "a"}),
        _judged("log_loss <= 1", "passed", "at_most", metric="log_loss"),
    ]
    del first[0]["status"]
    second = [
        _judged("accuracy >= 0.92", "failed", bound=0.92),
        _judged("accuracy >= 0.99", "failed", "at_least"),
        _judged("recall >= 0.8", "passed", "at_least", metric="recall", **{"class": "a"}),
        _judged("accuracy better than chance", "passed", "better_than_chance"),
    ]
    runs_of = [archive.Run(n, {"gates": g}, {}, {}, {}) for n, g in (("a", first), ("b", second))]
    found = compare.compare(*runs_of)
    assert found["gates"] == [
        (f"{margin} → accuracy >= 0.92", "not compared", "failed"),
        ("accuracy >= 0.97 → accuracy >= 0.99", "passed", "failed"),
        ("log_loss <= 1", "passed", "–"),
        ("accuracy better than chance", "–", "passed"),
    ]
    text = io.StringIO()
    compare.show(Console(file=text, width=160), found)
    assert f"gate {margin} → accuracy >= 0.92: not compared → failed" in text.getvalue()
    assert "not compared → <b" in compare.render(found, *runs_of)


def test_classes_of_one_run_only_are_said(folder: str) -> None:
    path = Path(folder, archive.RUNS, SECOND, "summary.json")
    summary = json.loads(path.read_text())
    summary["per_class"]["ten"] = summary["per_class"].pop("9")
    path.write_text(json.dumps(summary))
    found = _compared(folder)
    assert found["only"] == [["9"], ["ten"]]


def test_terminal_and_page(folder: str) -> None:
    text = io.StringIO()
    path = compare.run(folder, "previous", "latest", Console(file=text, width=120))
    shown = text.getvalue()
    for part in (FIRST, SECOND, "accuracy", "phases.0.epochs", "failed → passed", path):
        assert part in shown
    page = Path(path).read_text(encoding="utf-8").replace("<wbr>", "")
    assert page.count('<svg class="chart"') == 2
    assert "phases.0.epochs" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_hostile_names_are_text_on_the_terminal_and_the_page(folder: str) -> None:
    for run_id in (FIRST, SECOND):
        path = Path(folder, archive.RUNS, run_id, "summary.json")
        summary = json.loads(path.read_text())
        summary["per_class"]["[red]<script>alert(1)</script>"] = summary["per_class"].pop("9")
        path.write_text(json.dumps(summary))
    text = io.StringIO()
    path_of_page = compare.run(folder, FIRST, SECOND, Console(file=text, width=160))
    assert "[red]<script>alert(1)</script>" in text.getvalue()
    page = Path(path_of_page).read_text(encoding="utf-8")
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_axe_has_nothing_to_say_about_the_page(folder: str) -> None:
    path = Path(compare.run(folder, FIRST, SECOND, Console(file=io.StringIO())))
    with browser.browser() as driver:
        for scheme, width in (("light", 0), ("dark", 390)):
            browser.emulate(driver, scheme=scheme, width=width)
            browser.load(driver, path)
            assert accessibility.violations(driver) == []


def test_classes_are_shown_as_people_call_them(folder: str) -> None:
    task = Path(folder, "runs", SECOND, "task.json")
    found = json.loads(task.read_text())
    found["display"] = {"type": "Display", "names": [["7", "seven <7>"]], "maps": []}
    task.write_text(json.dumps(found))
    page = Path(compare.run(folder, FIRST, SECOND, Console(file=io.StringIO()))).read_text()
    assert '<bdi>seven &lt;7&gt;</bdi> <bdi class="key">7</bdi>' in page


def test_command_line(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines import run_local

    root = str(Path(folder).parent)
    task = Path(folder).name
    arguments = ["--task", task, "--root", root, "--compare", "previous", "latest"]
    assert run_local.main(arguments) == 0
    assert "phases.0.epochs" in capsys.readouterr().out
    assert run_local.main([*arguments[:-1], "yesterday"]) == 2
    assert "yesterday" in capsys.readouterr().err
