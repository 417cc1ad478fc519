"""Tasks and their parts as JSON and back, in a form that later versions can read.

A pushed model carries its task in `assets/task.json`, and a compiled job carries it in each step's
settings. Both may be read by a later version of this code, so a dataclass is written under its
plain name (`"type": "Classification"`), never under the path of the module that holds it today, and
the document says which version of the form it has:

    {"format_version": 3, "type": "Task", "name": "digits", …}

Version 1 had no number and wrote module paths (`"engine.problems.Classification"`), whose last part
is the name. Versions 1 and 2 had former names of fields and of classes; `aliases` says which.
"""

import dataclasses
import functools
import json
import typing
from typing import Any

from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import aliases

FORMAT_VERSION = 3
TYPE_KEY = "type"
_VERSION_KEY = "format_version"
# Where a document is not one dataclass (the gates of a task, say), it stands under this key.
_VALUE_KEY = "value"


def to_plain(value: Any) -> Any:
    """Returns `value` as dicts, lists, strings and numbers, dataclasses under their names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        taken = [f.name for f in dataclasses.fields(value) if f.init]
        fields = {name: to_plain(getattr(value, name)) for name in taken}
        return {TYPE_KEY: type(value).__name__, **fields}
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    return value


def from_plain(value: Any) -> Any:
    """The inverse of `to_plain`; lists come back as tuples.

    Raises:
      BadInputError: If a type or a field is unknown, a field is missing, or a value is refused.
    """
    if isinstance(value, dict) and TYPE_KEY in value:
        return _instance(value[TYPE_KEY], {k: v for k, v in value.items() if k != TYPE_KEY})
    if isinstance(value, dict):
        return {k: from_plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return tuple(from_plain(v) for v in value)
    return value


def to_json(value: Any) -> str:
    """Returns `value` as one JSON document with its format version and a stable key order."""
    plain = to_plain(value)
    document = plain if isinstance(plain, dict) else {_VALUE_KEY: plain}
    return json.dumps(
        {_VERSION_KEY: FORMAT_VERSION, **document}, sort_keys=True, ensure_ascii=False
    )


def from_json(text: str) -> Any:
    """The inverse of `to_json`; also reads the earlier versions.

    Raises:
      BadInputError: If the text is not valid JSON, or was written by a newer version of this code.
    """
    try:
        document = json.loads(text)
    except ValueError as e:
        raise BadInputError(
            f"A stored task must be valid JSON: {e}. Received: {text[:80]!r}"
        ) from e
    if not isinstance(document, dict):
        return from_plain(document)
    version = document.pop(_VERSION_KEY, 1)
    if version not in range(1, FORMAT_VERSION + 1):
        raise BadInputError(
            f"The stored task has format_version {version!r}; this version of tfx-vision reads 1 "
            f"to {FORMAT_VERSION}. Read it with the version that wrote it, or a newer one."
        )
    if version < FORMAT_VERSION:
        return _with_current_keys(from_plain(aliases.upgraded(_content(document))))
    return from_plain(_content(document))


def _content(document: dict[str, Any]) -> Any:
    return document[_VALUE_KEY] if set(document) == {_VALUE_KEY} else document


def _with_current_keys(value: Any) -> Any:
    """Returns a task with current keys in its search space; anything else as it is."""
    search = getattr(value, "search", ())
    if not search:
        return value
    return dataclasses.replace(
        value,
        search=tuple(
            dataclasses.replace(hyperparameter, key=aliases.current_key(value, hyperparameter.key))
            for hyperparameter in search
        ),
    )


@functools.cache
def types_by_name() -> dict[str, type]:
    """Returns every dataclass that a task can contain, by its name.

    They are found by following the types of `Task`'s fields and the kinds of problem, so that no
    list can become outdated.
    """
    from trainer_modules.engine.problems import KINDS
    from trainer_modules.engine.task.task import Recipe, Task

    types: dict[str, type] = {}

    def follow(hint: Any) -> None:
        for part in typing.get_args(hint):
            follow(part)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            if types.setdefault(hint.__name__, hint) is not hint:
                raise TypeError(f"two classes of a task have the name {hint.__name__}")
            hints = typing.get_type_hints(hint)
            for field in {hints[f.name] for f in dataclasses.fields(hint)} - seen:
                seen.add(field)
                follow(field)

    seen: set[Any] = set()
    for root in (Task, Recipe, *KINDS):
        follow(root)
    return types


def _instance(tag: Any, fields: dict[str, Any]) -> Any:
    names = types_by_name()
    name = str(tag).rpartition(".")[2]
    if name not in names:
        raise BadInputError(f'"{TYPE_KEY}" {did_you_mean(name, sorted(names))}.')
    cls = names[name]
    known = {f.name: f for f in dataclasses.fields(cls) if f.init}
    for field in fields:
        if field not in known:
            raise BadInputError(
                f"{name} has no field '{field}' in this version of tfx-vision. It "
                f"{did_you_mean(field, list(known))}."
            )
    missing = [f.name for f in known.values() if f.name not in fields and not _has_default(f)]
    if missing:
        raise BadInputError(f"{name} must have the field {', '.join(missing)}.")
    try:
        return cls(**{field: from_plain(value) for field, value in fields.items()})
    except ValueError as e:
        raise e if isinstance(e, BadInputError) else BadInputError(f"{name}: {e}") from e


def _has_default(field: dataclasses.Field) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing
