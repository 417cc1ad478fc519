"""In what two schemas differ, in words."""

from collections.abc import Sequence
from typing import Any

_SHOWN = 5


def changes(before: Any, after: Any) -> list[str]:
    """Returns what differs from one schema to the next, a phrase for each feature.

    Args:
      before: A `Schema`.
      after: A `Schema`.
    """
    old, new = _described(before), _described(after)
    lines = [f"'{name}' is new ({new[name]['type']})" for name in new if name not in old]
    lines += [f"'{name}' is gone" for name in old if name not in new]
    for name in (name for name in new if name in old):
        parts = [
            _part(what, old[name].get(what), new[name].get(what))
            for what in {**old[name], **new[name]}
            if old[name].get(what) != new[name].get(what)
        ]
        if any(parts):
            lines.append(f"'{name}': {', '.join(filter(None, parts))}")
    return lines


def _described(schema: Any) -> dict[str, dict[str, Any]]:
    """Returns, per feature, its properties that a reader of the schema sees."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    values = {domain.name: tuple(domain.value) for domain in schema.string_domain}
    described: dict[str, dict[str, Any]] = {}
    for feature in schema.feature:
        seen: dict[str, Any] = {"type": schema_pb2.FeatureType.Name(feature.type)}
        if feature.HasField("shape"):
            seen["shape"] = tuple(dim.size for dim in feature.shape.dim)
        if feature.HasField("presence"):
            seen["least fraction of examples that have it"] = feature.presence.min_fraction
        if feature.HasField("value_count"):
            seen["values per example"] = (feature.value_count.min, feature.value_count.max)
        kind = feature.WhichOneof("domain_info")
        if kind == "domain":
            seen["values"] = values.get(feature.domain, ())
        elif kind == "string_domain":
            seen["values"] = tuple(feature.string_domain.value)
        elif kind:
            limits = getattr(feature, kind)
            seen[kind.replace("_", " ")] = " ".join(str(limits).split()) or "any"
        described[feature.name] = seen
    return described


def _part(what: str, old: Any, new: Any) -> str:
    if what == "values":
        old, new = old or (), new or ()
        added = [value for value in new if value not in old]
        removed = [value for value in old if value not in new]
        named = [("added", added), ("removed", removed)]
        return ", ".join(f"values {word}: {_list(group)}" for word, group in named if group)
    return f"{what} was {_shown(old)}, is {_shown(new)}"


def _shown(value: Any) -> str:
    return "open" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _list(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + more
