"""`--set KEY=VALUE` on frozen dataclasses; their JSON is in `engine/task/serialisation.py`."""

import ast
import dataclasses
import json
import logging
import types
import typing
from typing import Any, TypeVar

from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import aliases
from trainer_modules.engine.task.serialisation import from_json as from_json
from trainer_modules.engine.task.serialisation import from_plain as from_plain
from trainer_modules.engine.task.serialisation import to_json as to_json
from trainer_modules.engine.task.serialisation import to_plain as to_plain

T = TypeVar("T")

_log = logging.getLogger("tfx_vision")


def apply(target: T, settings: list[str] | tuple[str, ...]) -> T:
    """Returns `target` with every `KEY=VALUE` of `settings` applied, in order.

    Args:
      target: A frozen dataclass.
      settings: For example `["phases.0.epochs=2", "train.batch_size=16"]`. A value is read as a
        Python literal (`2`, `1e-3`, `True`, `None`, `(1, 2)`), else as a string. Where a field
        takes a dataclass or one of several, the value is JSON with a `"type"`.

    A former key (see `aliases`) works like the current one, which the log then names.

    Raises:
      BadInputError: If a key is unknown (the nearest is named) or a value does not fit.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise BadInputError(f"--set must be KEY=VALUE. Received: {setting!r}")
        given = key.strip()
        key = aliases.current_key(target, given)
        if key != given:
            _log.warning("--set %s: now called %s; the former name still works.", given, key)
        target = _replace(target, key.split("."), text.strip(), key)
    return target


def _replace(target: Any, path: list[str], text: str, key: str) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(target, tuple):
        if head == str(len(target)) and not rest:
            # An index one past the end appends; the owner of the tuple checks the type.
            return (*target, _parse(text, Any, key, current=None))
        indices = [str(i) for i in range(len(target))]
        if head not in indices:
            raise BadInputError(f"--set {key}: '{head}' {did_you_mean(head, indices)}.")
        i = int(head)
        new = (
            _replace(target[i], rest, text, key)
            if rest
            else _parse(text, type(target[i]), key, current=target[i])
        )
        return (*target[:i], new, *target[i + 1 :])
    if not dataclasses.is_dataclass(target):
        raise BadInputError(f"--set {key}: there is no '{head}' in {target!r}.")
    names = [f.name for f in dataclasses.fields(target)]
    if head not in names:
        raise BadInputError(f"--set {key}: '{head}' {did_you_mean(head, names)}.")
    current = getattr(target, head)
    hint = typing.get_type_hints(type(target))[head]
    if rest:
        new = _replace(current, rest, text, key)
        if not _is_a(new, hint):
            raise BadInputError(f"--set {key}: must be {_describe(hint)}. Received: {text!r}")
    else:
        new = _parse(text, hint, key, current=current)
    try:
        return dataclasses.replace(target, **{head: new})  # type: ignore[type-var]
    except BadInputError:
        raise
    except (ValueError, TypeError) as e:
        raise BadInputError(f"--set {key}: {e}") from e


def _parse(text: str, hint: Any, key: str, *, current: Any) -> Any:
    if text.startswith(("{", "[")):
        try:
            value = from_plain(aliases.upgraded(json.loads(text)))
        except (ValueError, TypeError, RecursionError) as e:
            raise BadInputError(f"--set {key}: {text!r} is not a valid value: {e}") from e
    elif hint is str:
        value = text
    else:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = {"true": True, "false": False, "none": None}.get(text.lower(), text)
    value = _fit(value, hint)
    if not _is_a(value, hint):
        raise BadInputError(
            f"--set {key}: must be {_describe(hint)} (now {current!r}). Received: {text!r}"
        )
    return value


def check_types(value: Any, path: str = "") -> None:
    """Checks that every value in a dataclass, and in those inside it, has the type of its field.

    Python itself does not check this: with `gates=AtLeast("accuracy", 0.9)` the gates are not a
    tuple.

    Raises:
      BadInputError: If one has not; the message begins with the field's path, as in `--set`.
    """
    if isinstance(value, tuple):
        for i, item in enumerate(value):
            check_types(item, f"{path}{i}.")
    if not dataclasses.is_dataclass(value):
        return
    hints = typing.get_type_hints(type(value))
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        hint = hints[field.name]
        if not _is_a(held if isinstance(held, list) else _fit(held, hint), hint):
            kind = (
                " Write a tuple with one element as (…,), with the comma."
                if _wants_tuple(hint)
                else ""
            )
            raise BadInputError(
                f"{path}{field.name} must be {_describe(hint)}. Received: {held!r}.{kind}"
            )
        check_types(held, f"{path}{field.name}.")


def _wants_tuple(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple and typing.get_args(hint)[-1:] == (...,)


def _fit(value: Any, hint: Any) -> Any:
    """Converts ints to floats and lists to tuples, recursively, where `hint` requires it."""
    hints = typing.get_args(hint) if _is_union(hint) else (hint,)
    if isinstance(value, int) and not isinstance(value, bool) and int not in hints:
        return float(value) if float in hints else value
    if isinstance(value, list | tuple):
        for h in hints:
            if typing.get_origin(h) is tuple:
                args = typing.get_args(h)
                inner = args[:1] * len(value) if args[-1:] == (...,) else args
                if len(inner) == len(value):
                    return tuple(_fit(v, i) for v, i in zip(value, inner, strict=True))
    return value


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _is_a(value: Any, hint: Any) -> bool:
    if _is_union(hint):
        return any(_is_a(value, h) for h in typing.get_args(hint))
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if typing.get_origin(hint) is tuple:
        args = typing.get_args(hint)
        if not isinstance(value, tuple):
            return False
        inner = args[:1] * len(value) if args[-1:] == (...,) else args
        return len(inner) == len(value) and all(
            _is_a(v, i) for v, i in zip(value, inner, strict=True)
        )
    if hint in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, hint)


def _describe(hint: Any) -> str:
    if _is_union(hint):
        return " or ".join(_describe(h) for h in typing.get_args(hint))
    if hint is type(None):
        return "None"
    if typing.get_origin(hint) is tuple:
        args = typing.get_args(hint)
        if args[-1:] == (...,):
            return f"a tuple of {_describe(args[0])}"
        return f"a tuple of {len(args)} ({', '.join(_describe(a) for a in args)})"
    return str(getattr(hint, "__name__", hint))
