"""What `--task` names: a task of this repository, or a task file anywhere.

digits      mnist:b      path/to/my_task.py      path/to/my_task.py:small
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from trainer_modules.engine.errors import BadInputError

# One word for the module, the schema, the runs' folder and a cloud's pipeline; `-` separates a
# variant, and Vertex AI takes no capitals.
_STEM = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40
# Other folders under a root, on this machine or in a bucket: no task can have their names.
SERVING, DATA = "serving", "data"


@dataclass(frozen=True)
class TaskReference:
    """A task as `--task` names it.

    Attributes:
      module: The task's name: that of its file, without `.py`.
      variant: The variant; "" for the task itself.
      path: The task file, absolute; None for a task of this repository.
    """

    module: str
    variant: str = ""
    path: Path | None = None

    @property
    def own(self) -> str:
        """The name of its runs and of its served model: `mnist-b` for `mnist:b`."""
        return f"{self.module}-{self.variant}" if self.variant else self.module

    @property
    def schema_path(self) -> Path | None:
        """Where a task file's reviewed schema belongs: beside it, named alike, `.pbtxt`.

        None for a task of this repository.
        """
        return self.path.with_suffix(".pbtxt") if self.path else None


def parse(spelling: str) -> TaskReference:
    """Returns what a value of `--task` names; whether it exists is not looked at.

    Anything with a folder in it, or that ends in `.py`, is a file.
    """
    name, colon, variant = spelling.rpartition(":")
    if not colon or os.sep in variant:
        name, variant = spelling, ""
    if os.sep not in name and not name.endswith(".py"):
        return TaskReference(name, variant)
    path = Path(os.path.abspath(os.path.expanduser(name)))
    return TaskReference(path.stem, variant, path)


def check_file(reference: TaskReference, tasks: list[str]) -> None:
    """Checks that a task file is there and that its name can be a task's.

    Args:
      reference: A task file.
      tasks: The names of the tasks of this repository.

    Raises:
      BadInputError: If not.
    """
    path, stem = reference.path, reference.module
    assert path is not None
    if path.suffix != ".py":
        raise BadInputError(
            f"--task must be the name of a task (see --list) or the path of a task file, which "
            f"ends in .py. Received: {path}"
        )
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise BadInputError(f"--task {path}: this task file {what}.")
    if not _STEM.fullmatch(stem) or len(stem) > _LONGEST:
        near = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_0123456789")[:_LONGEST]
        hint = f"; rename it, for example to {near}.py" if _STEM.fullmatch(near) else ""
        raise BadInputError(
            f"--task {path}: a task is named after its file, so the file's name must be 1 to "
            f"{_LONGEST} characters a-z and 0-9, with single '_' between them, and must begin with "
            f"a letter. Received: '{stem}'{hint}"
        )
    if stem in (*tasks, SERVING, DATA):
        raise BadInputError(
            f"--task {path}: '{stem}' is the name of a task of this repository, or of a folder "
            f"beside the runs. Rename the file and its TASK, for example to my_{stem}."
        )


def claim(reference: TaskReference, folder: str) -> None:
    """Records which task file a folder of runs belongs to.

    A file that was moved or edited, or of which there is another copy, is still the same task.

    Args:
      reference: The task; one of this repository has its name to itself.
      folder: The folder of its runs, which exists.

    Raises:
      BadInputError: If the runs there are those of another file of the same name.
    """
    if reference.path is None:
        return
    record = Path(folder, "task_file.json")
    if record.exists():
        other = Path(json.loads(record.read_text(encoding="utf-8"))["path"])
        same = other == reference.path or not other.is_file()
        if not same and other.read_bytes() != reference.path.read_bytes():
            raise BadInputError(
                f"{folder} holds the runs of {other}, another task file of the same name. Give the "
                f"runs of {reference.path} a name of their own with --name, or another --root; if "
                f"it replaces the other one, delete {record}."
            )
    record.write_text(json.dumps({"path": str(reference.path)}) + "\n", encoding="utf-8")
