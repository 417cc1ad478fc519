"""SavedModels as an export leaves them, small, and a serving folder to push them to."""

from pathlib import Path
from typing import Any

from components.pusher import releases
from trainer_modules import digits
from trainer_modules.engine.task import overrides

TASK = overrides.to_json(digits.TASK)


def export(folder: Path, fingerprint: str, classes: str = "ab") -> Path:
    """Writes a SavedModel that no other equals; its bytes follow from `fingerprint`."""
    (folder / "assets").mkdir(parents=True)
    (folder / "assets/task.json").write_text(overrides.to_json(digits.TASK.recipe))
    (folder / "assets/classes.txt").write_text("".join(f"{name}\n" for name in classes))
    (folder / "saved_model.pb").write_text(f"graph {fingerprint}")
    (folder / "variables").mkdir()
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (folder / "variables" / name).write_text(f"values {fingerprint}")
    (folder / "fingerprint.pb").write_text(fingerprint)
    return folder


def candidate(place: Path, name: str) -> Any:
    """Returns a blessed model called `name`, made if it is not there yet."""
    from components.pusher import pushing

    model = place / "Trainer" / name / "Format-Serving"
    if not model.exists():
        export(model, name)
    return pushing.Candidate(
        model=str(model), uri=str(model.parent), run_id=f"run of {name}", task=TASK
    )


def served(folder: Path) -> list[str]:
    """Returns the names of the versions that a server sees."""
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return sorted((name for name in names if name.isdigit()), key=int)


class Nights:
    """One serving folder, its models and its clock."""

    def __init__(self, place: Path) -> None:
        self.place, self.folder = place, place / "serving"

    def push(self, name: str, hold: tuple[str, ...] = (), keep: int = 0) -> Any:
        from components.pusher import pushing

        return pushing.push(str(self.folder), candidate(self.place, name), hold=hold, keep=keep)

    @property
    def record(self) -> releases.Record:
        return releases.read(str(self.folder))

    @property
    def states(self) -> list[str]:
        return [release.state for release in self.record.releases]

    @property
    def events(self) -> list[str]:
        return [event.event for event in self.record.events]
