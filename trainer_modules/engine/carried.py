"""Transform's and Trainer's functions for a task whose file is not part of this repository.

Such a file need not be where a step runs: on another machine there is only this repository. A task
travels as JSON in `custom_config`, as always. If its file has functions of its own, the file and
the modules it imports from beside it travel along as text, are written to a temporary folder, and
are imported there.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from trainer_modules.engine import local_module
from trainer_modules.engine.custom_config import FILES_KEY, INPUT_KEY, PROBLEM_KEY, TASK_KEY
from trainer_modules.engine.task import overrides


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Transforms raw features, as the file says or else as every task does.

    Args:
      inputs: Raw features, each a tensor `[batch]`.
      custom_config: With the task's input and problem, and its files if they define this function.
    """
    if files := custom_config.get(FILES_KEY):
        with _module(files) as module:
            return dict(module.preprocessing_fn(inputs, custom_config))
    from trainer_modules.engine import transform

    given, problem = (overrides.from_json(custom_config[k]) for k in (INPUT_KEY, PROBLEM_KEY))
    return transform.transformed(inputs, given, problem)


def run_fn(fn_args: Any) -> None:
    """Trains, as the file says or else as every task does.

    Args:
      fn_args: TFX's arguments; `custom_config` as for `preprocessing_fn`.
    """
    if files := fn_args.custom_config.get(FILES_KEY):
        with _module(files) as module:
            module.run_fn(fn_args)
        return
    from trainer_modules.engine.training import run

    run.run(overrides.from_json(fn_args.custom_config[TASK_KEY]), fn_args)


@contextlib.contextmanager
def _module(files: Mapping[str, Any]) -> Iterator[ModuleType]:
    """Imports what `FILES_KEY` holds; after an error the files stay, for the traceback's lines."""
    folder = tempfile.mkdtemp(prefix="task-file-")
    for relative, text in files["texts"].items():
        path = Path(folder, relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with local_module.imported(Path(folder, files["file"])) as module:
        yield module
    shutil.rmtree(folder, ignore_errors=True)
