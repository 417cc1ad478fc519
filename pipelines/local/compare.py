"""Two runs side by side, on the terminal and as a page: `run_local.py --compare RUN_A RUN_B`."""

import os
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from components.model_gate import gate_outcome
from components.report import charts, storage, templating
from components.report.figures import count, figure, signed, took, words
from components.report.training import flat
from components.report.verdict import change, class_changes
from pipelines.local import archive
from pipelines.local.archive import Run

_SHOWN = 20
_TONES = {True: "green", False: "red", None: "dim"}


def compare(first: Run, second: Run) -> dict[str, Any]:
    """Returns all differences between two runs.

    Returns:
      `names`, `status`, `metrics` (rows with `before`, `now`, `change`), `classes` (the same,
      the largest change first), `only` (classes of one run only), `settings` (key, value before,
      value now), `gates` (requirement, status before, status now, of the gates that differ; `–` for
      a gate that one run does not have), `counts` and `seconds` (name, before, now).
    """
    a, b = first.summary, second.summary
    old, new = a.get("metrics", {}), b.get("metrics", {})
    metrics = [
        {
            "name": name,
            "before": old.get(name),
            "now": new.get(name),
            "change": change(name, new.get(name), old.get(name)),
        }
        for name in dict.fromkeys([*old, *new])
    ]
    before, now = a.get("per_class", {}), b.get("per_class", {})
    return {
        "names": (first.name, second.name),
        "tasks": (a.get("task", ""), b.get("task", "")),
        "status": (a.get("status", ""), b.get("status", "")),
        "metrics": metrics,
        "classes": class_changes(before, now, limit=len(now)),
        "only": [sorted({*before} - {*now}), sorted({*now} - {*before})],
        "settings": _settings(first.task, second.task),
        "gates": _gates(a.get("gates", []), b.get("gates", [])),
        "counts": _pairs(a.get("counts", {}), b.get("counts", {})),
        "seconds": _pairs(a.get("seconds", {}), b.get("seconds", {})),
    }


def _pairs(a: dict[str, Any], b: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])]


def _settings(a: dict[str, Any], b: dict[str, Any]) -> list[tuple[str, str, str]]:
    old, new = dict(flat("", a)), dict(flat("", b))
    return [
        (key, old.get(key, "–"), new.get(key, "–"))
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _gates(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Returns the gates whose outcome differs; a gate is identified without its bound."""
    old, new = _by_subject(a), _by_subject(b)
    rows = []
    for key in dict.fromkeys([*old, *new]):
        before, now = old.get(key), new.get(key)
        asked = [gate["name"] for gate in (before, now) if gate]
        statuses = [
            gate_outcome.status_of(gate).replace("_", " ") if gate else "–"
            for gate in (before, now)
        ]
        if statuses[0] != statuses[1]:
            rows.append((" → ".join(dict.fromkeys(asked)), statuses[0], statuses[1]))
    return rows


def _by_subject(gates: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    by_subject: dict[tuple[Any, ...], dict[str, Any]] = {}
    for gate in gates:
        on = tuple(gate.get(key) for key in ("kind", "metric", "class", "slice"))
        # Several gates on the same subject are distinguished by their order.
        count = sum(key[:-1] == on for key in by_subject)
        by_subject[(*on, count)] = gate
    return by_subject


def show(console: Console, comparison: dict[str, Any]) -> None:
    """Prints the comparison."""
    a, b = comparison["names"]
    console.print(f"[bold]{escape(a)}[/]  {escape(comparison['status'][0])}", highlight=False)
    console.print(f"[bold]{escape(b)}[/]  {escape(comparison['status'][1])}", highlight=False)
    console.print()
    console.print(_differences("metric", comparison["metrics"], (a, b), words))
    classes = comparison["classes"]
    if classes:
        table = _differences("class", classes[:_SHOWN], (a, b), str)
        if len(classes) > _SHOWN:
            table.caption = f"and {len(classes) - _SHOWN} classes that changed less"
        console.print()
        console.print(table)
    for name, only in zip((a, b), comparison["only"], strict=True):
        if only:
            console.print(Text(f"only in {name}: {', '.join(only)}"))
    for gate, before, now in comparison["gates"]:
        console.print(Text(f"gate {gate}: {before} → {now}"))
    for title, rows, write in (
        ("setting", comparison["settings"], str),
        ("examples", comparison["counts"], count),
        ("time", comparison["seconds"], took),
    ):
        if rows:
            console.print()
            console.print(_plain(title, rows, (a, b), write))


def _table(title: str, names: tuple[str, str]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, title_justify="left")
    table.add_column(title)
    for name in names:
        table.add_column(Text(name), justify="right")
    return table


def _differences(title: str, rows: list[dict[str, Any]], names: Any, write: Any) -> Table:
    table = _table(title, names)
    table.add_column("change", justify="right")
    for row in rows:
        by = row["change"]
        last = Text(signed(by["by"]), style=_TONES[by["good"]]) if by else Text("")
        label = Text(write(row["name"]) + (f" ({words(row['metric'])})" if "metric" in row else ""))
        table.add_row(label, figure(row["before"]), figure(row["now"]), last)
    return table


def _plain(title: str, rows: list[tuple[str, Any, Any]], names: Any, write: Any) -> Table:
    table = _table(title, names)
    for name, before, now in rows:
        table.add_row(Text(name), Text(write(before)), Text(write(now)))
    return table


def render(comparison: dict[str, Any], first: Run, second: Run) -> str:
    """Returns the comparison as a self-contained HTML page."""
    display = dict(second.task.get("display", {}).get("names", []))
    template = templating.environment(display).get_template("compare.html.jinja")
    return template.render(charts=_curves(first, second), **comparison)


def _curves(first: Run, second: Run) -> list[Any]:
    """Draws each quantity's validation curve (training, where there is none) of both runs."""
    rows = [{e["epoch"]: e for e in run.history.get("epochs", [])} for run in (first, second)]
    if not all(rows):
        return []
    epochs = sorted({*rows[0], *rows[1]})
    names = {key for epoch in rows[1].values() for key in epoch}
    monitor = second.history.get("monitor", "").removeprefix("val_")
    drawn = []
    for name in dict.fromkeys(["loss", monitor]):
        key = f"val_{name}" if f"val_{name}" in names else name
        if name and key in names:
            series = [
                (run.name, [points.get(epoch, {}).get(key) for epoch in epochs])
                for run, points in zip((first, second), rows, strict=True)
            ]
            drawn.append(charts.curves(words(key), epochs, series))
    return drawn


def run(folder: str, first: str, second: str, console: Console) -> str:
    """Compares two runs, prints it and writes the page.

    Args:
      folder: Where the task's runs are kept, `<root>/<task>`.
      first: The run to compare with; see `archive.find`.
      second: The run to judge.
      console: Where to print.

    Returns:
      The page's path, `<folder>/compare/<first>--<second>.html`.

    Raises:
      BadInputError: If one of the runs does not exist.
    """
    a, b = archive.find(folder, first), archive.find(folder, second)
    comparison = compare(a, b)
    show(console, comparison)
    path = os.path.join(folder, "compare", f"{a.name}--{b.name}.html")
    storage.write_bytes(path, render(comparison, a, b).encode("utf-8"))
    console.print(f"page    {path}", markup=False, highlight=False, soft_wrap=True)
    return path
