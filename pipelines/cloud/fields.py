"""Nested configurations whose leaves are options, each declared in one place.

A leaf that `option` declares is an attribute of its part, an option of the command line, and a key
in a configuration file.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
COMPILE, SUBMIT, SCHEDULE, DOCTOR, UPLOAD = "compile", "submit", "schedule", "doctor", "upload"
MANAGE = ("list", "pause", "resume", "delete")
APPROVE, REFUSE, ROLLBACK = "approve", "refuse", "rollback"
# These read the configuration that a job was compiled with.
DECIDE = (APPROVE, REFUSE, ROLLBACK)
# The commands that compile a pipeline.
COMPILING = (COMPILE, SUBMIT, SCHEDULE, DOCTOR)
_OPTION, _PART = "option", "part"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One leaf of a configuration.

    Attributes:
      key: Its name in a file and among parsed arguments, unique in the configuration.
      flag: `--name` on the command line; "" for an option that only a file has.
      help: One line.
      metavar: What stands for the value.
      commands: The commands that have it.
      needed: The first of the steps that cannot do without it: `compile`, or `submit`, which
        also stands for managing schedules; "" if it may be left out.
      elsewhere: What to do on a platform that does not have it; "" for nothing but leave it out.
      part: Title of the group that it is shown in.
      kind: Its type.
    """

    key: str
    flag: str
    help: str
    metavar: str | None
    commands: tuple[str, ...]
    needed: str
    elsewhere: str
    part: str
    kind: Any

    @property
    def kinds(self) -> tuple[type, ...]:
        """The types that a value may have, without their parameters."""
        alternatives = (
            typing.get_args(self.kind) if isinstance(self.kind, types.UnionType) else (self.kind,)
        )
        return tuple(typing.get_origin(kind) or kind for kind in alternatives)


def option(
    default: Any,
    help: str,
    *,
    key: str | None = None,
    flag: str | None = None,
    metavar: str | None = None,
    commands: tuple[str, ...] = COMPILING,
    needed: str = "",
    elsewhere: str = "",
) -> Any:
    """Returns a dataclass field that is an option; see `Option`.

    Args:
      default: Its value where it is not given; a dict is copied.
      help: One line.
      key: None for the field's name.
      flag: None for the key with dashes.
      metavar: None for the key in capitals.
      commands: The commands that have it.
      needed: `compile` or `submit`; "" if it may be left out.
      elsewhere: What to do on a platform that does not have it.
    """
    declared = {
        "key": key,
        "flag": flag,
        "help": help,
        "metavar": metavar,
        "commands": commands,
        "needed": needed,
        "elsewhere": elsewhere,
    }
    if isinstance(default, dict):
        return dataclasses.field(
            default_factory=lambda: dict(default), metadata={_OPTION: declared}
        )
    return dataclasses.field(default=default, metadata={_OPTION: declared})


def part(kind: type, title: str) -> Any:
    """Returns a dataclass field that is a configuration itself, shown under a title."""
    return dataclasses.field(default_factory=kind, metadata={_PART: title})


def options(configuration: type) -> dict[str, Option]:
    """Returns key → option of all leaves of a configuration, in the order of their declaration."""
    return {key: leaf for _, _, key, leaf in _leaves(configuration)}


def missing(configuration: Any, steps: tuple[str, ...]) -> list[Option]:
    """Returns the options that these steps need and that are empty."""
    return [
        leaf
        for of_part, name, _, leaf in _leaves(type(configuration))
        if leaf.needed in steps and not getattr(getattr(configuration, of_part), name)
    ]


def assemble(configuration: type[T], values: Mapping[str, Any]) -> T:
    """Returns a configuration with these values at its leaves, key → value.

    Raises:
      BadInputError: If a part refuses a value.
    """
    of_parts: dict[str, dict[str, Any]] = {}
    for part_name, leaf_name, key, _ in _leaves(configuration):
        if key in values:
            of_parts.setdefault(part_name, {})[leaf_name] = values[key]
    hints = typing.get_type_hints(configuration)
    return configuration(**{name: hints[name](**given) for name, given in of_parts.items()})


def _leaves(configuration: type) -> list[tuple[str, str, str, Option]]:
    """Returns part, field, key and option of every leaf."""
    leaves = []
    hints = typing.get_type_hints(configuration)
    for of_part in dataclasses.fields(configuration):  # type: ignore[arg-type]
        kind, title = hints[of_part.name], of_part.metadata[_PART]
        kinds = typing.get_type_hints(kind)
        for leaf in dataclasses.fields(kind):
            declared = dict(leaf.metadata[_OPTION])
            key = declared["key"] or leaf.name
            if declared["flag"] is None:
                declared["flag"] = f"--{key.replace('_', '-')}"
            declared |= {"key": key, "part": title, "kind": kinds[leaf.name]}
            leaves.append((of_part.name, leaf.name, key, Option(**declared)))
    return leaves
