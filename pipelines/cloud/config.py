"""The configuration of a cloud run: options and a file become the frozen object of one target."""

import os
import tomllib
from typing import Any

from pipelines.cloud import fields, targets
from pipelines.cloud.fields import Option
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.target import Target
from trainer_modules.engine.errors import BadInputError, did_you_mean

TARGET = "target"


def build(options: dict[str, Any], file: str | None = None) -> CloudConfig:
    """Returns the configuration of a file, overridden by the given options.

    Args:
      options: Key → value; None where the option was not given. `target` names the platform.
      file: A TOML or YAML file with the same keys; None for none.

    Raises:
      BadInputError: If the file cannot be read, a key or value is wrong, or the platform does not
        have an option.
    """
    written = _read(file) if file else {}
    given = {key: value for key, value in options.items() if value is not None}
    values = {**written, **given}
    target = targets.find(str(values.pop(TARGET, targets.DEFAULT)))
    own = fields.options(target.configuration)
    foreign = [key for key in values if key not in own]
    if foreign:
        _refuse(foreign, target, {key: file for key in written if key not in given})
    return fields.assemble(target.configuration, values)


def _refuse(keys: list[str], target: Target, files: dict[str, str | None]) -> None:
    """Raises BadInputError: these options are not of this target.

    Args:
      keys: The options.
      target: The target.
      files: Key → the file that has it, for those that are not on the command line.
    """
    declared: dict[str, Option] = {}
    owners: dict[str, list[str]] = {}
    for other in targets.every():
        for key, leaf in fields.options(other.configuration).items():
            declared[key] = leaf
            owners.setdefault(key, []).append(other.name)
    unknown = [key for key in keys if key not in declared]
    if unknown:
        raise BadInputError(f"The option '{unknown[0]}' {did_you_mean(unknown[0], declared)}.")
    names = [f"'{key}' in {files[key]}" if key in files else declared[key].flag for key in keys]
    others = list(dict.fromkeys(owner for key in keys for owner in owners[key]))
    hints = [declared[key].elsewhere for key in keys if declared[key].elsewhere]
    belong, them = ("belongs", "it") if len(keys) == 1 else ("belong", "them")
    raise BadInputError(
        " ".join(
            (
                f"{', '.join(names)} {belong} to the target {' and '.join(others)}, but the "
                f"target is {target.name}. Leave {them} out, or choose --target "
                f"{' or '.join(others)}.",
                *dict.fromkeys(hints),
            )
        )
    )


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as f:
            content = f.read().decode()
    except OSError as error:
        raise BadInputError(f"--config {file}: {error.strerror}.") from error
    if file.endswith((".yaml", ".yml")):
        import yaml

        try:
            values = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise BadInputError(f"--config {file} is not valid YAML: {error}") from error
    else:
        try:
            values = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise BadInputError(f"--config {file} is not valid TOML: {error}") from error
    if not isinstance(values, dict):
        raise BadInputError(f"--config {file} must contain KEY = VALUE pairs.")
    known = {
        key: leaf
        for target in targets.every()
        for key, leaf in fields.options(target.configuration).items()
    }
    return {key: _fit(file, key, value, known) for key, value in values.items()}


def _fit(file: str, key: str, value: Any, known: dict[str, Option]) -> Any:
    """Returns a file's value in the option's type."""
    if key != TARGET and key not in known:
        raise BadInputError(f"--config {file}: '{key}' {did_you_mean(key, [TARGET, *known])}.")
    kinds = (str,) if key == TARGET else known[key].kinds
    if tuple in kinds and isinstance(value, list):
        value = tuple(str(item) for item in value)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
        raise BadInputError(f"--config {file}: {key} must be {wanted}. Received: {value!r}")
    return os.path.expandvars(value) if isinstance(value, str) else value
