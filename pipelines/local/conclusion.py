"""The last lines of a run on the terminal: verdict, gates, worst class, where things are."""

import math
import os
import shlex
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.model_gate import gate_outcome
from pipelines.local import summary as summaries
from pipelines.local.disk import TOTAL
from pipelines.local.sizes import in_words
from pipelines.local.summary import Summary
from trainer_modules.engine.task.display import Display

_VERDICTS = {
    summaries.PUSHED: "[bold green]pushed[/]",
    summaries.HELD: "[bold yellow]held[/], waiting for approval",
    summaries.NOT_BLESSED: "[bold yellow]not blessed[/], nothing pushed",
    summaries.NOTHING_NEW: "[bold green]nothing new[/]",
    summaries.FAILED: "[bold red]failed[/]",
}

# Number of components whose disk is told; the summary has all of them.
_COMPONENTS = 3
# Number of failed classes of one gate to name; the summary has all of them.
_SHOWN = 8


def show(console: Console, summary: Summary, display: Display = Display()) -> None:  # noqa: B008
    """Prints how a run ended.

    Args:
      console: Where to.
      summary: The run.
      display: Display names of the classes.
    """
    console.print()
    console.print(
        f"{_VERDICTS[summary.status]}{_why(summary)}  in {summary.seconds['total']:.1f} s"
    )
    if summary.error:
        console.print(escape(summary.error))
        _schema(console, summary)
        console.print(f"Full log: {summary.log}", style="dim", highlight=False)
        return
    if summary.gates:
        console.print(_gates(summary))
    for alike in _alike(summary.gates):
        failed = sorted(gate_outcome.with_status(alike, gate_outcome.FAILED), key=_margin)
        # If many classes failed, their row in the table says so.
        for gate in failed[: 1 if len(alike) > 1 else None]:
            more = f"; {len(failed) - 1} more failed" if len(failed) > 1 else ""
            console.print(f"not blessed: {escape(gate['message'])}{more}", soft_wrap=True)
    for finding in summary.drift.get("findings", []):
        # A held model names its reasons below.
        if f"drift: {finding['sentence']}" not in summary.held.get("reasons", []):
            console.print(f"[yellow]drift:[/] {escape(finding['sentence'])}", soft_wrap=True)
    for line in _not_compared(summary):
        console.print(escape(line), soft_wrap=True)
    if summary.serving and not summary.serving["passed"]:
        reason = escape(summary.serving["reason"])
        console.print(f"not pushed: the exported model fails its serving check, at {reason}")
    for line in _held(summary):
        console.print(escape(line), soft_wrap=True)
    worst = summaries.worst_class(summary.per_class)
    if worst is not None:
        name, values = worst
        figures = "  ".join(f"{k} {_number(v)}" for k, v in values.items() if k != "support")
        support = f"  (support {values['support']:g})" if values.get("support") else ""
        console.print(f"worst class  '{escape(display.both(name))}'  {figures}{support}")
    for title, path in (
        ("model", summary.pushed_model),
        ("rows", summary.predictions),
        ("report", summary.report),
    ):
        if path:
            console.print(f"{title:<8}{_short(path)}", soft_wrap=True, markup=False)
    _disk(console, summary)
    _schema(console, summary)


def show_repetition(console: Console, summary: Summary) -> None:
    """Prints how a run ended that repeats an earlier one: one line, and why a model was refused."""
    console.print(
        f"{_VERDICTS[summary.status]}: data, code and settings are those of run {summary.repeats}"
        f"  in {summary.seconds['total']:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
    for gate in gate_outcome.with_status(summary.gates, gate_outcome.FAILED)[:_SHOWN]:
        console.print(f"not blessed: {escape(gate['message'])}", soft_wrap=True)


def _disk(console: Console, summary: Summary) -> None:
    """Prints the disk that the name uses, and by which components most."""
    if not summary.disk:
        return
    parts = [(name, size) for name, size in summary.disk.items() if name != TOTAL]
    most = ", ".join(f"{name} {in_words(size)}" for name, size in parts[:_COMPONENTS])
    console.print(f"disk    {in_words(summary.disk[TOTAL])} ({most})", soft_wrap=True)


def _schema(console: Console, summary: Summary) -> None:
    """Prints where an inferred schema is and what to do with it, and what has changed in it."""
    schema = summary.schema
    if not schema.get("inferred"):
        return
    console.print(
        f"schema  inferred: review {_short(schema['path'])} and put it at "
        f"{_short(schema['put_it_at'])}",
        soft_wrap=True,
        markup=False,
    )
    if schema["changes"]:
        console.print(
            f"the data has changed since the last inferred schema: {'; '.join(schema['changes'])}",
            soft_wrap=True,
            markup=False,
        )


def _why(summary: Summary) -> str:
    """Returns why nothing is new; "" for other outcomes of a run."""
    if summary.status != summaries.NOTHING_NEW:
        return ""
    if summary.withheld:
        return f": {escape(summary.withheld)}"
    if not summary.ran:
        return ": every result came from the cache"
    again = f"{len(summary.ran)} of {len(summary.ran) + len(summary.cached)} components ran"
    return f": {again}, and the model is already being served"


def _held(summary: Summary) -> list[str]:
    """Returns why the model is held, and the commands that decide about it."""
    if not summary.held:
        return []
    # `<root>/<name>/logs/<run>.log`
    root = os.path.dirname(os.path.dirname(os.path.dirname(summary.log)))
    elsewhere = "" if _short(root) == "runs" else f" --root {shlex.quote(_short(root))}"
    about = f"{summary.name or summary.task} {summary.held['version']}{elsewhere}"
    return [
        *(f"held: {reason}" for reason in summary.held["reasons"]),
        *(
            f"{word:<8}python pipelines/run_local.py --{word} {about} --by NAME --reason TEXT"
            for word in ("approve", "refuse")
        ),
    ]


def _not_compared(summary: Summary) -> list[str]:
    """Returns a few lines on what was not compared with the last blessed model, and why."""
    left = gate_outcome.with_status(summary.gates, gate_outcome.NOT_COMPARED)
    if left and not summary.baseline.get("compared"):
        reason = summary.baseline.get("reason") or left[0]["message"]
        return [f"not compared: {gate_outcome.gates_in_words(len(left))}. {reason}"]
    lines = [gate["message"] for gate in left[:_SHOWN]]
    if len(left) > _SHOWN:
        lines.append(f"… and {len(left) - _SHOWN} more were not compared")
    if summary.baseline.get("added") or summary.baseline.get("removed"):
        lines.append(summary.baseline["reason"])
    return lines


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _gates(summary: Summary) -> Table:
    """Returns a row for each kind of gate; of many classes it shows the worst."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("gate", overflow="fold")
    for column in ("value", "bound"):
        table.add_column(column, justify="right", no_wrap=True)
    uncertain = any(gate.get("n") is not None for gate in summary.gates)
    if uncertain:
        table.add_column("interval", overflow="fold")
    table.add_column("", overflow="fold")
    for alike in _alike(summary.gates):
        failed = sorted(gate_outcome.with_status(alike, gate_outcome.FAILED), key=_margin)
        passed = sorted(gate_outcome.with_status(alike, gate_outcome.PASSED), key=_margin)
        left = gate_outcome.with_status(alike, gate_outcome.NOT_COMPARED)
        if failed or passed:
            first = (failed or passed)[0]
            shown = [_interval(first)] if uncertain else []
            told = [*_figures(first), *shown, _outcome(failed, passed)]
            table.add_row(_subject(first, len(failed + passed)), *told)
        if left:
            empty = [""] * (3 if uncertain else 2)
            table.add_row(_subject(left[0], len(left)), *empty, "[yellow]not compared[/]")
    return table


def _outcome(failed: list[dict[str, Any]], passed: list[dict[str, Any]]) -> str:
    """Returns a row's verdict; both lists begin with the worst."""
    count = len(failed) + len(passed)
    if not failed:
        worst = f", the worst '{escape(str(passed[0]['class']))}'" if count > 1 else ""
        return f"[green]passed[/]{worst}"
    if count == 1:
        return "[bold red]failed[/]"
    named = ", ".join(f"'{gate['class']}'" for gate in failed[:_SHOWN])
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    return f"[bold red]{len(failed)} of {count} failed[/]: {escape(named)}{more}"


def _alike(gates: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Returns the gates in groups: the gates of all classes form one group."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for gate in gates:
        of_class = gate.get("class") is not None
        key = (gate["name"] if not of_class else gate["metric"], of_class, gate.get("slice"))
        # Bounds of `no_worse` depend on each class's own baseline.
        bound = None if gate.get("kind") == "no_worse" else gate["bound"]
        groups.setdefault((*key, gate.get("kind"), bound), []).append(gate)
    return list(groups.values())


def _margin(gate: dict[str, Any]) -> float:
    """Returns how far a value lies on the passing side of its bound; unknown ones come last."""
    if gate["value"] is None or gate["bound"] is None:
        return math.inf
    return float(gate["value"] - gate["bound"]) * (-1 if gate.get("kind") == "at_most" else 1)


def _subject(gate: dict[str, Any], count: int) -> str:
    of = f" of '{gate['class']}'" if gate.get("class") else ""
    if count > 1:
        of = f" of each of {count} classes"
    of += " against chance" if gate.get("kind") == "better_than_chance" else ""
    of += " against before" if gate.get("kind") == "no_worse" else ""
    within = f" in {gate['slice']}" if gate.get("slice") else ""
    return escape(f"{gate['metric']}{of}{within}")


def _interval(gate: dict[str, Any]) -> str:
    """Returns what the examples show: of a value, or of its change from the baseline's."""
    if gate.get("n") is None:
        return ""
    sign = "+" if gate.get("kind") == "no_worse" else ""
    ends = (
        "–" if gate["interval"] is None else ", ".join(f"{x:{sign}.3f}" for x in gate["interval"])
    )
    finds = "" if gate["detectable"] is None else f", finds {gate['detectable']:.3f}"
    return escape(f"[{ends}] of {gate['n']:,}{finds if sign else ''}")


def _figures(gate: dict[str, Any]) -> tuple[str, str]:
    value = "–" if gate["value"] is None else f"{gate['value']:.4f}"
    bound = "–" if gate["bound"] is None else f"{gate['bound']:g}"
    return value, bound


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else path
