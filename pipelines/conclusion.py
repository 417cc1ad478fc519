"""The last lines of a run on the terminal: verdict, gates, worst class, where things are."""

import os

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines import summary as summaries
from pipelines.summary import Summary

_VERDICTS = {
    summaries.PUSHED: "[bold green]pushed[/]",
    summaries.NOT_BLESSED: "[bold yellow]not blessed[/], nothing pushed",
    summaries.NOTHING_NEW: "[bold green]nothing new[/]: every result came from the cache",
    summaries.FAILED: "[bold red]failed[/]",
}


def show(console: Console, summary: Summary) -> None:
    """Prints how a run ended."""
    console.print()
    console.print(f"{_VERDICTS[summary.status]}  in {summary.seconds['total']:.1f} s")
    if summary.error:
        console.print(escape(summary.error))
        console.print(f"The whole story is in {summary.log}", style="dim", highlight=False)
        return
    if summary.gates:
        console.print(_gates(summary))
    for gate in summary.gates:
        if not gate["passed"]:
            console.print(f"not blessed: {escape(gate['message'])}")
    if summary.serving and not summary.serving["passed"]:
        reason = escape(summary.serving["reason"])
        console.print(f"not pushed: the exported model fails its serving check, at {reason}")
    worst = summaries.worst_class(summary.per_class)
    if worst is not None:
        name, values = worst
        figures = "  ".join(f"{k} {v:.3f}" for k, v in values.items() if k != "support")
        console.print(f"worst class  '{escape(name)}'  {figures}  (support {values['support']:g})")
    for title, path in (
        ("model", summary.pushed_model),
        ("rows", summary.predictions),
        ("report", summary.report),
    ):
        if path:
            console.print(f"{title:<8}{_short(path)}", soft_wrap=True, markup=False)


def _gates(summary: Summary) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("gate", "value", "bound", ""):
        table.add_column(column, justify="right" if column in ("value", "bound") else "left")
    for gate in summary.gates:
        of = f" of '{gate['class']}'" if gate.get("class") else ""
        within = f" in {gate['slice']}" if gate.get("slice") else ""
        value = "–" if gate["value"] is None else f"{gate['value']:.4f}"
        verdict = "[green]passed[/]" if gate["passed"] else "[bold red]failed[/]"
        table.add_row(escape(f"{gate['metric']}{of}{within}"), value, f"{gate['bound']:g}", verdict)
    return table


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else path
