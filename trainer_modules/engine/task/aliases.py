"""Former names of a task's settings, which go on working.

A former name can come from a person (`--set`, the keys of `search`) and from a stored task of an
earlier format version. Both are read by the one table here. A name that is in it is never given to
another setting.
"""

import dataclasses
from typing import Any

TYPES = {"Image": "Images"}
"""Former name of a class → its name."""

FIELDS: dict[str, dict[str, str]] = {
    "BetterThanChance": {"per_class": "examples_per_class"},
    "Bundled": {"last_as_eval": "eval_tail_fraction", "test_fraction": "eval_fraction"},
    "Cosine": {"floor": "final_fraction", "warmup": "warmup_fraction"},
    "Display": {"maps": "heat_maps"},
    "Exponential": {"rate": "decay_rate", "steps": "decay_steps"},
    "ImageLists": {"ending": "extension"},
    "Images": {"quality": "jpeg_quality", "scale": "scaling"},
    "NoWorse": {"by": "tolerance"},
    "Phase": {"validation_share": "validation_fraction"},
    "Recipe": {"image": "input"},
    "SavedNetwork": {"answers": "outputs"},
    "Serving": {"forms": "formats"},
    "Task": {"also": "alternatives", "image": "input"},
    "Training": {"best": "best_metric"},
}
"""Name of a class → former name of a field → its name."""

MOVED = {
    "problem.features": "input.names",
    "problem.standardise": "input.standardise",
    "problem.shown": "input.shown",
}
"""Former key of a setting of a task → its key in another part of the task.

Together they were the columns of a table, in a task without images.
"""

_TYPE = "type"


def current_key(target: Any, key: str) -> str:
    """Returns the key of a setting, given its key or a former one.

    Args:
      target: The dataclass that has the setting; a task, or a part of one.
      key: As in `--set`: names of fields and indices, separated by dots.

    Returns:
      `key` itself where it has no former name in it, whether or not there is such a setting.
    """
    key = _moved_key(target, key)
    names = []
    for name in key.split("."):
        former = FIELDS.get(type(target).__name__, {})
        if name not in _field_names(target):
            name = former.get(name, name)
        names.append(name)
        target = _part(target, name)
    return ".".join(names)


def _moved_key(target: Any, key: str) -> str:
    for former, new in MOVED.items():
        if f"{key}.".startswith(f"{former}."):
            part, _, name = former.partition(".")
            owner = getattr(target, part, None)
            if owner is not None and name not in _field_names(owner):
                return new + key[len(former) :]
    return key


def _field_names(target: Any) -> set[str]:
    """Returns the settings of a dataclass; what it computes from them may have a former name."""
    return (
        {f.name for f in dataclasses.fields(target)} if dataclasses.is_dataclass(target) else set()
    )


def _part(target: Any, name: str) -> Any:
    if isinstance(target, tuple):
        return target[int(name)] if name in map(str, range(len(target))) else None
    return getattr(target, name, None) if dataclasses.is_dataclass(target) else None


def upgraded(plain: Any) -> Any:
    """Returns the plain form of a task, or of a part of one, with the names of today.

    Args:
      plain: Dicts, lists, strings and numbers, as any earlier format version wrote them.
    """
    if isinstance(plain, list):
        return [upgraded(value) for value in plain]
    if not isinstance(plain, dict):
        return plain
    if _TYPE not in plain:
        return {name: upgraded(value) for name, value in plain.items()}
    written = str(plain[_TYPE]).rpartition(".")[2]
    kind = TYPES.get(written, written)
    former = FIELDS.get(kind, {})
    fields: dict[str, Any] = {
        former.get(str(name), str(name)): upgraded(value)
        for name, value in plain.items()
        if name != _TYPE
    }
    return {_TYPE: kind, **_moved_fields(fields)}


def _moved_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns a task's fields with what `MOVED` lists in its new place."""
    moved: dict[str, dict[str, Any]] = {}
    fields = dict(fields)
    for former, new in MOVED.items():
        part, _, name = former.partition(".")
        owner = fields.get(part)
        if isinstance(owner, dict) and name in owner:
            fields[part] = {k: v for k, v in owner.items() if k != name}
            place, _, new_name = new.partition(".")
            moved.setdefault(place, {_TYPE: "Columns"})[new_name] = owner[name]
    return fields | moved
