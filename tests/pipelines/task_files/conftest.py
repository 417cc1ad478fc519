"""A task file outside the repository, to be written with or without mistakes."""

from pathlib import Path

import pytest

from trainer_modules.engine import import_closure

WHOLE = '''"""Three digits."""

from dataclasses import replace

from trainer_modules.api import Classification, Dense, Flatten, ImageFolders, Images, Network
from trainer_modules.api import Phase, Task

TASK = Task(
    name="mine",
    source=ImageFolders(),
    problem=Classification(classes=("one", "two")),
    input=Images(height=8, width=8, channels=1),
    model=Network(layers=(Flatten(), Dense(16, "relu"))),
    phases=(Phase(epochs=3),),
)

VARIANTS = {"b": replace(TASK, name="mine-b", phases=(Phase(epochs=4),))}
'''


@pytest.fixture
def task_file(tmp_path: Path):
    """Returns a function that writes `mine.py` in a folder of its own and returns its path."""

    def write(
        text: str = WHOLE, *, folder: str = "work", name: str = "mine", **beside: str
    ) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for stem, code in {"mine": text, **beside}.items():
            path = place / (stem.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
        return place / "mine.py"

    assert import_closure.ROOT not in tmp_path.parents
    return write


@pytest.fixture
def whole() -> str:
    return WHOLE
