"""Reads a task's file, and locates mistakes in it."""

import ast
import contextlib
import dataclasses
import importlib
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.task_files.spelling import TaskReference
from trainer_modules.engine import entry, local_module
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import overrides, serialisation
from trainer_modules.engine.task.task import Task

_ENTRIES = ("preprocessing_fn", "run_fn")


@dataclass(frozen=True)
class TaskFile:
    """What a task's file holds.

    Attributes:
      summary: The first line of its docstring.
      tasks: The task under "", its variants under their names.
      own: Which of TFX's two functions the file defines itself instead of taking both from
        `entry_points`.
    """

    summary: str
    tasks: dict[str, Task]
    own: tuple[str, ...]


def load(reference: TaskReference) -> TaskFile:
    """Reads the file of a task.

    Raises:
      BadInputError: If the file is broken; it names the file, and the line where it is known.
    """
    path = _path(reference)
    with _imported(reference, path) as module:
        tasks = {"": _constant(module, "TASK", Task, path)}
        variants = getattr(module, "VARIANTS", {})
        if not isinstance(variants, dict):
            raise _broken(
                path, _line(path, "VARIANTS"), "VARIANTS must be a dict that maps names to Tasks."
            )
        tasks |= {str(variant): task for variant, task in variants.items()}
        for variant, task in tasks.items():
            where = f"VARIANTS['{variant}']" if variant else "TASK"
            _check(where, task, reference.module, path)
        functions = {name: getattr(module, name, None) for name in _ENTRIES}
        # TFX imports the functions of a task of this repository by their names. A file from
        # elsewhere needs them only where it has its own.
        optional = reference.path is not None
        for name, function in functions.items():
            if function is None and not optional:
                raise _broken(
                    path,
                    None,
                    f"{name} is missing. End the file with `preprocessing_fn, run_fn = "
                    "entry_points(TASK)`.",
                )
            if function is not None and not callable(function):
                said = f"{name} must be a function. Received: {type(function).__name__}"
                raise _broken(path, _line(path, name), said)
        own = tuple(
            name
            for name, function in functions.items()
            if function and getattr(function, "__module__", "") != entry.__name__
        )
        return TaskFile((module.__doc__ or "").strip().split("\n")[0], tasks, own)


def _path(reference: TaskReference) -> str:
    """Returns a task's file, relative to the working directory if it is below it."""
    import trainer_modules

    folder = os.path.dirname(os.path.abspath(trainer_modules.__file__))
    path = str(reference.path or os.path.join(folder, f"{reference.module}.py"))
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


@contextlib.contextmanager
def _imported(reference: TaskReference, path: str) -> Iterator[ModuleType]:
    with contextlib.ExitStack() as stack:
        try:
            if reference.path is None:
                module = importlib.import_module(entry.module_path(reference.module))
            else:
                module = stack.enter_context(local_module.imported(reference.path))
        except SyntaxError as error:
            # It may be that of a module beside the file.
            place = path if not error.filename or _is(error.filename, path) else error.filename
            said = f"{error.msg}: {error.text.strip():.80}" if error.text else error.msg
            raise _broken(place, error.lineno, f"{said}.") from error
        except (Exception, SystemExit) as error:
            # Any exception while a task file is executed is a mistake in that file.
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if _is(frame.filename, path)]
            said = str(error) or type(error).__name__
            if isinstance(error, TypeError):
                said = _in_words(said)
            raise _broken(path, lines[-1] if lines else None, said) from error
        yield module


def _in_words(said: str) -> str:
    """Returns what Python says of the arguments of a class, in the words of task files."""
    unknown = re.fullmatch(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", said)
    cls = serialisation.types_by_name().get(unknown[1]) if unknown else None
    if unknown and cls:
        names = [field.name for field in dataclasses.fields(cls) if field.init]
        return f"{unknown[1]} has no field '{unknown[2]}'. It {did_you_mean(unknown[2], names)}"
    return said.replace(".__init__()", "")


def _is(filename: str | None, path: str) -> bool:
    return bool(filename) and os.path.abspath(filename or "") == os.path.abspath(path)


def _constant(module: ModuleType, name: str, kind: type, path: str) -> Any:
    value = getattr(module, name, None)
    if not isinstance(value, kind):
        received = "nothing" if value is None else f"{type(value).__name__} {value!r:.80}"
        raise _broken(
            path, _line(path, name), f"{name} must be a {kind.__name__}. Received: {received}"
        )
    return value


def _check(where: str, task: Any, name: str, path: str) -> None:
    """Checks that every value has the type of its field, which the constructors do not."""
    if not isinstance(task, Task):
        said = f"{where} must be a Task. Received: {type(task).__name__} {task!r:.80}"
        raise _broken(path, _line(path, "VARIANTS"), said)
    try:
        overrides.check_types(task)
    except BadInputError as error:
        field = str(error).split(" ")[0].rpartition(".")[2]
        raise _broken(path, _line(path, field), f"{where}.{error}") from error
    if task.module != name:
        said = f"the name of {where} must be '{name}', or '{name}-' and the variant's name"
        raise _broken(path, _line(path, "name"), f"{said}. Received: {task.name!r}")


def _line(path: str, name: str) -> int | None:
    """Returns the only line where `name` is given a value; None if there are none or several."""
    lines = []
    for node in ast.walk(ast.parse(Path(path).read_bytes())):
        if isinstance(node, ast.keyword) and node.arg == name:
            lines.append(node.value.lineno)
        elif isinstance(node, ast.Assign):
            lines += [t.lineno for t in node.targets if getattr(t, "id", "") == name]
    return lines[0] if len(set(lines)) == 1 else None


def _broken(path: str, line: int | None, said: str) -> BadInputError:
    place = f"{path}, line {line}" if line else path
    return BadInputError(f"{place}: {said}")
