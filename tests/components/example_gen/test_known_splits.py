"""An example keeps its split, whatever later spans say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.components.example_gen.conftest import encoded, picture, write
from tests.components.example_gen.nights import Night
from trainer_modules.engine.task.sources import ImageFolders

pytestmark = pytest.mark.usefixtures("tfx_ready")
EXPLICIT = ImageFolders()


def _split(folder: Path, split: str, *numbers: int) -> None:
    for number in numbers:
        write(
            folder / split / ("cat" if number % 2 else "dog") / f"{number}.png",
            encoded(picture(number)),
        )


def test_no_example_changes_its_split_as_spans_come_and_go(
    tmp_path: Path,
    night: Callable[..., Night],
) -> None:
    data, pattern = tmp_path / "data", f"{tmp_path}/data/span-{{SPAN}}"
    _split(data / "span-2", "train", 1, 2, 3)
    _split(data / "span-2", "val", 4, 5)
    night(pattern, source=EXPLICIT)
    # 1 comes back held out, 4 comes back for training, and 2 as what it was.
    _split(data / "span-3", "train", 4, 2, 6)
    _split(data / "span-3", "val", 1, 7)
    for window in ("newest", "all"):
        found = night(pattern, window=window, source=EXPLICIT)
        assert not {"span-3/val/cat/1.png"} & set(found.examples["eval"])
        assert not {"span-3/train/dog/4.png"} & set(found.examples["train"])
        assert "span-2" in found.duplicates["span-3/val/cat/1.png"]
    newest = night(pattern, source=EXPLICIT)
    assert set(newest.examples["train"]) == {"span-3/train/dog/2.png", "span-3/train/dog/6.png"}
    assert "outside the window" in newest.duplicates["span-3/val/cat/1.png"]
    # A span that arrives late does not take over what was seen before.
    _split(data / "span-1", "train", 5, 8)
    _split(data / "span-1", "val", 9)
    late = night(pattern, window="all", source=EXPLICIT)
    assert "span-2/val/cat/5.png" in late.examples["eval"]
    assert late.duplicates["span-1/train/cat/5.png"] == "span-2/val/cat/5.png"
