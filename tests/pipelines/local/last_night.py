"""A night that has ended, for tests of the next: what it read, and what it left."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import tasks
from pipelines.config import RunConfig
from pipelines.local import archive, unchanged
from pipelines.local.listing import Watched
from pipelines.local.summary import Summary
from pipelines.local.unchanged import Stamp
from trainer_modules.engine.task.task import Task

TASK = """
\"\"\"Two kinds of photos.\"\"\"
from beside import EPOCHS
from trainer_modules.api import *

TASK = Task(
    name="two_kinds",
    source=ImageFolders(),
    problem=Classification(),
    input=Images(height=8, width=8),
    model=Backbone(name="MobileNetV2", alpha=0.35, weights={weights!r}),
    phases=(Phase(epochs=EPOCHS),),
)
"""


@dataclass
class Last:
    """The last night: what it read, and what it left."""

    folder: Path
    config: RunConfig
    data: Path
    code: Path
    artifact: Path
    version: Path

    def night(self, status: str = "pushed", *, during: Callable[[], None] | None = None) -> None:
        """A run as far as the stamp sees it."""
        stamp = Stamp(self.config)
        stamp.repetition(self.task())
        stamp.forget()
        spans = (f"{self.data.parent}/span-*",)
        stamp.reads(Watched(spans, (str(self.data),)))
        if during:
            during()
        summary = Summary(
            task="two_kinds",
            run_id="20261120-020000-000",
            status=status,
            metrics={"accuracy": 0.9},
            ran=["Trainer"],
            seconds={"Trainer": 9.0, "total": 10.0},
            report=str(self.report),
            log="log",
        )
        archive.keep(str(self.run_folder), summary.__dict__, self.task(), {})
        stamp.leave(summary, [str(self.artifact)])

    def task(self) -> Task:
        return tasks.load(self.config.task, self.config.settings)

    def again(self, config: RunConfig | None = None) -> unchanged.Repetition:
        return Stamp(config or self.config).repetition(self.task())

    @property
    def run_folder(self) -> Path:
        return Path(self.config.folder)

    @property
    def report(self) -> Path:
        return self.run_folder / "report" / "index.html"

    @property
    def lineage(self) -> Path:
        return Path(self.config.metadata_file)

    @property
    def weights(self) -> Path:
        return self.folder / "weights.h5"


def written(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Last:
    """Returns a night's files; `Last.night` leaves its stamp."""
    # What the tests write is younger than what a night may rely on.
    monkeypatch.setattr(unchanged, "_SETTLED", -1000.0)
    code = tmp_path / "code"
    for package in unchanged._PACKAGES:
        written(code / package / "__init__.py")
    written(code / "schemas" / "digits.pbtxt")
    written(code / "uv.lock")
    monkeypatch.setattr(unchanged.import_closure, "ROOT", code)
    weights = written(tmp_path / "weights.h5")
    task = written(tmp_path / "own" / "two_kinds.py", TASK.format(weights=str(weights)))
    written(tmp_path / "own" / "beside.py", "EPOCHS = 1\n")
    data = tmp_path / "photos" / "span-1"
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg"):
        written(data / name)
    config = RunConfig(
        task=str(task), root=str(tmp_path / "runs"), data=f"{data.parent}/span-{{SPAN}}"
    )
    made = Last(
        folder=tmp_path,
        config=config,
        data=data,
        code=code,
        artifact=Path(config.artifacts_folder, "Trainer", "model", "5"),
        version=Path(config.serving_folder, "1"),
    )
    for path in (
        made.lineage,
        made.report,
        made.artifact / "saved_model.pb",
        made.version / "saved_model.pb",
    ):
        written(path)
    written(made.version.parent / "releases.jsonl", "")
    return made
