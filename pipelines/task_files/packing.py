"""Where Transform and Trainer find a task's functions, and what of its file travels with a job.

A task is data and travels as JSON, so most task files stay where they are. One that defines
`preprocessing_fn` or `run_fn` itself is packed as text, with the modules that it imports from
beside it, into the step's `custom_config`: it is there on any platform, and an edit changes the
step's cache key. Comments, formatting and docstrings are left out, because they are no change.
"""

import ast
import copy
import importlib.machinery
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.task_files import reading, spelling
from trainer_modules.engine import import_closure, syntax
from trainer_modules.engine.custom_config import FILES_KEY
from trainer_modules.engine.entry import module_path
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Task

FUNCTIONS = ("preprocessing_fn", "run_fn")
_CARRIED = "trainer_modules.engine.carried"
# Platforms keep a step's settings in the job itself: Argo takes 1 MB for a whole workflow.
_MOST_BYTES = 200_000


@dataclass(frozen=True)
class TaskCode:
    """The code of one of a task's two functions.

    Attributes:
      function: Its dotted path, as TFX takes it.
      config: What `custom_config` needs for it; {} for most tasks.
      uses: Modules of this repository that the packed files import.
    """

    function: str
    config: dict[str, Any]
    uses: tuple[str, ...] = ()

    @property
    def starts(self) -> tuple[str, ...]:
        """Where the function's code begins, for `fingerprint.of_code`."""
        return ":".join(self.function.rsplit(".", 1)), *self.uses


def find(task: Task, name: str, function: str) -> TaskCode:
    """Returns the code of a task's function.

    Args:
      task: The task.
      name: The task as `--task` names it.
      function: One of `FUNCTIONS`.

    Raises:
      BadInputError: If the file imports something that cannot travel.
    """
    reference = spelling.parse(name)
    if reference.path is None:
        return TaskCode(f"{module_path(task.module)}.{function}", {})
    dotted = f"{_CARRIED}.{function}"
    if function not in reading.load(reference).own:
        return TaskCode(dotted, {})
    texts = {key: _code(file) for key, file in neighbours(reference.path).items()}
    size = sum(len(text.encode()) for text in texts.values())
    if size > _MOST_BYTES:
        raise BadInputError(
            f"{reference.path}: the file and what it imports from beside it must be at most "
            f"{_MOST_BYTES // 1000} kB of code, because they travel inside the job. Received: "
            f"{size // 1000} kB in {len(texts)} files. Install the larger part as a package."
        )
    uses = set().union(*(import_closure.used_by(text) for text in texts.values()))
    carried = {FILES_KEY: {"file": reference.path.name, "texts": texts}}
    return TaskCode(dotted, carried, tuple(sorted(uses)))


def _code(file: Path) -> str:
    """Returns a file's code without comments, formatting and docstrings."""
    tree = copy.deepcopy(syntax.parsed(file.read_bytes()))
    for node in ast.walk(tree):
        if isinstance(node, syntax.Function | ast.ClassDef) and not node.body:
            node.body.append(ast.Pass())
    return ast.unparse(tree) + "\n"


def neighbours(path: Path) -> dict[str, Path]:
    """Returns a task file and the modules that it imports from beside it: relative path → file.

    Raises:
      BadInputError: If a module beside the file has the name of one that Python finds elsewhere:
        which of the two is meant would depend on the machine.
    """
    folder = path.parent
    files = {path.name: path}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        package = file.relative_to(folder).parent.parts
        for name in _imported_names(file, package):
            for near in _files(folder, name):
                _check_unique(near.relative_to(folder).parts[0].removesuffix(".py"), file, folder)
                if (key := near.relative_to(folder).as_posix()) not in files:
                    files[key] = near
                    waiting.append(near)
    return dict(sorted(files.items()))


def _imported_names(file: Path, package: tuple[str, ...]) -> set[str]:
    """Returns the modules, and the names in them, that a file imports, as dotted names."""
    names = set()
    for node in ast.walk(syntax.parsed(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join([*above, *filter(None, [node.module])])
            names |= {origin, *(".".join(filter(None, [origin, a.name])) for a in node.names)}
    return names - {""}


def _files(folder: Path, name: str) -> list[Path]:
    """Returns the files of a module below `folder`, its packages included; [] for others."""
    parts = name.split(".")
    inits = [folder.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    module = folder.joinpath(*parts).with_suffix(".py")
    if not module.is_file() and not folder.joinpath(*parts).is_dir():
        return []
    return [file for file in (*inits, module) if file.is_file()]


def _check_unique(name: str, importer: Path, folder: Path) -> None:
    here = os.path.realpath(folder)
    elsewhere = [p for p in sys.path if os.path.realpath(p or os.getcwd()) != here]
    spec = None
    if name not in sys.stdlib_module_names:
        spec = importlib.machinery.PathFinder.find_spec(name, elsewhere)
        if spec is None:
            return
    place = spec.origin or "another folder" if spec else "Python's own library"
    raise BadInputError(
        f"{importer}: it imports '{name}', which is both beside it and in {place}. Rename the one "
        "beside the task file."
    )
