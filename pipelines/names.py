"""All names and locations of a run, derived in one place from task, variant and `--name`.

Two runs that differ in one of the three share nothing: no folder, no pipeline, no served model.
"""

import re
from dataclasses import dataclass

from pipelines.task_files import spelling
from pipelines.task_files.spelling import DATA, SERVING
from trainer_modules.engine.errors import BadInputError

LONGEST = 40
# Lower case, as Vertex AI requires and since some file systems do not distinguish `Dishes` from
# `dishes`; single separators, since two dashes represent an underscore in `pipeline`.
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Names:
    """The names and places of one task's, variant's or named model's runs.

    Attributes:
      task: The task as `--task` names it, see `task_files.spelling`.
      name: What `--name` says; "" for the task's own name.

    Raises:
      BadInputError: If `name` is invalid, or is a task, a variant or reserved.
    """

    task: str
    name: str = ""

    def __post_init__(self) -> None:
        if self.name:
            _check(self.name)

    @property
    def own(self) -> str:
        """The name under which runs are stored and models are served: `mnist-b` for `mnist:b`."""
        return self.name or spelling.parse(self.task).own

    @property
    def pipeline(self) -> str:
        """The name in a-z, 0-9 and `-`, as Vertex AI and Kubeflow require; a unique mapping."""
        return self.own.replace("_", "--" if self.name else "-")

    @property
    def experiment(self) -> str:
        """The default Kubeflow experiment of the runs."""
        return self.pipeline

    def job(self, work: str) -> str:
        """Returns the name that a CustomJob shows in the console; `work` is what it does."""
        return f"{self.own}-{work}"

    def folder(self, root: str) -> str:
        """Returns the folder of these runs."""
        return _join(root, self.own)

    def served(self, root: str) -> str:
        """Returns where versions of the model are pushed, `root` given as for `folder`."""
        return _join(root, SERVING, self.own)

    def served_under(self, serving_root: str) -> str:
        """Returns the same where the folder of served models is named itself."""
        return _join(serving_root, self.own)

    def training_beside(self, serving_root: str) -> str:
        """Returns where checkpoints go if artifacts lie where TensorFlow cannot write."""
        return _join(f"{serving_root.rstrip('/')}-training", self.own)


def _join(root: str, *parts: str) -> str:
    return "/".join((root.rstrip("/"), *parts))


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST].rstrip("-")
        hint = f"; for example '{near}'" if _NAME.fullmatch(near) else ""
        raise BadInputError(
            f"--name must be 1 to {LONGEST} characters a-z and 0-9, with single '-' and '_' "
            f"between them, and must begin with a letter. Received: '{name}'{hint}"
        )
    taken = {_alike(own): own for own in reserved()}
    if _alike(name) in taken:
        raise BadInputError(
            f"--name '{name}': '{taken[_alike(name)]}' is the name of a task or a reserved "
            "folder. Choose another name; a task's own name needs no --name."
        )


def _alike(name: str) -> str:
    return name.replace("_", "-")


def reserved() -> list[str]:
    """Returns the names that `--name` may not be: tasks, their variants, and reserved folders."""
    from pipelines import tasks

    own = [Names(task).own for task, _ in tasks.descriptions()]
    return [*own, SERVING, DATA]
