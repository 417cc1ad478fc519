"""`model_summary.txt`: the network layer by layer, with types and each phase's trainable layers.

Keras' own summary shows a single state, but each phase freezes other layers, so each has a column.
It is read from the layers after a phase froze and unfroze them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trainer_modules.engine.networks.models import Built, count

_TRAINS, _PARTLY, _FROZEN = "trains", "partly", "frozen"
_HEADINGS = ("layer", "kind", "output", "parameters", "type")


@dataclass
class Summary:
    """The table, a phase at a time.

    Attributes:
      built: The network.
      notes: Further notes on it, a sentence each.
      phases: Column of each phase seen so far, and its line of counts.
    """

    built: Built
    notes: list[str] = field(default_factory=list)
    phases: list[tuple[list[str], str]] = field(default_factory=list)

    def add_phase(self) -> str:
        """Records which layers are trainable now; returns the counts as one line."""
        trainable, frozen = self.built.trainable_count, self.built.frozen_count
        line = f"phase {len(self.phases) + 1}: trainable {trainable:,}, frozen {frozen:,}"
        column = [_state(layer) for _, layer in _layers(self.built.model)]
        self.phases.append((column, line))
        return line

    @property
    def text(self) -> str:
        """The table with the layers of the base, a column for each phase, then the counts."""
        columns = [column for column, _ in self.phases]
        return "\n".join([*self._table(columns, 99), *self.notes, *self._lines()]) + "\n"

    @property
    def short(self) -> str:
        """The table without what is inside of a base, and without phases."""
        return "\n".join(self._table([], 0))

    def _lines(self) -> list[str]:
        return [line for _, line in self.phases]

    def _table(self, columns: list[list[str]], depth: int) -> list[str]:
        phases = [f"phase {i + 1}" for i in range(len(columns))]
        if columns and all(column == columns[0] for column in columns):
            columns, phases = columns[:1], [f"phase{'s 1 to' if phases[1:] else ''} {len(phases)}"]
        rows = [[*_HEADINGS, *phases]]
        for i, (level, layer) in enumerate(_layers(self.built.model)):
            if level <= depth:
                rows.append([*_cells(level, layer), *(column[i] for column in columns)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        lines.insert(1, "─" * max(map(len, lines)))
        name, total = self.built.model.name, count(self.built.model.weights)
        return [f"network of task {name}, {total:,} parameters", "", *lines, ""]


def _aligned(row: list[str], widths: list[int]) -> Iterator[str]:
    for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if _HEADINGS[i : i + 1] == ("parameters",) else cell.ljust(width)


def _layers(model: Any, level: int = 0) -> Iterator[tuple[int, Any]]:
    """Yields every layer with its depth; a base comes before its layers."""
    for layer in model.layers:
        inner = layer
        # A runner is the base with a switch: showing both would list every layer twice.
        if hasattr(layer, "network"):
            inner = layer.network
        yield level, inner
        if getattr(inner, "layers", None):
            yield from _layers(inner, level + 1)


def _cells(level: int, layer: Any) -> list[str]:
    shape = getattr(layer, "output_shape", None) if layer.inbound_nodes else None
    return [
        "  " * level + layer.name,
        type(layer).__name__,
        _shape(shape),
        f"{count(layer.weights):,}",
        _type(layer),
    ]


def _shape(shape: Any) -> str:
    if isinstance(shape, list):
        return _shape(shape[0]) if len(shape) == 1 else f"{len(shape)} tensors"
    if not shape:
        return ""
    return " × ".join("?" if size is None else str(size) for size in shape[1:])


def _type(layer: Any) -> str:
    computes, keeps = layer.compute_dtype, layer.variable_dtype
    return computes if computes == keeps or not layer.weights else f"{computes} ({keeps} weights)"


def _state(layer: Any) -> str:
    if not layer.weights:
        return ""
    inner = [x for x in layer._flatten_layers(include_self=True) if x.weights]
    leaves = [x for x in inner if not list(x._flatten_layers(include_self=False))] or inner
    learning = [bool(x.trainable_weights) for x in leaves]
    if all(learning):
        return _TRAINS
    return _PARTLY if any(learning) else _FROZEN
