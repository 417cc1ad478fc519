"""What a file contains is told apart by its bytes and its mask."""

from pathlib import Path

import pytest

from components.example_gen import hashing, manifest
from components.example_gen.manifest import Part
from components.example_gen.memory import Memory
from components.example_gen.places import Place
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, picture, write
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task.sources import HashSplit, ImagesAndMasks

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _part(root: Path, source: object, problem: object) -> tuple[Place, Part, str]:
    """Returns a place, its only part, and the folder of its list of work."""
    place = Place(reader=reader_for(str(root), source, problem))
    work = str(root.parent / "work")
    (part,) = manifest.write((place,), work, Memory(""))
    return place, part, work


def test_masks_that_differ_are_labels_that_differ(tmp_path: Path) -> None:
    image = encoded(picture(1, (2, 2)))
    for name, shade in (("a", 0), ("b", 0), ("c", 1)):
        write(tmp_path / "data" / "train" / f"{name}.png", image)
        mask = picture(0, (2, 2), "L").point(lambda _, shade=shade: shade)
        write(tmp_path / "data" / "trainannot" / f"{name}.png", encoded(mask))
    source = ImagesAndMasks(eval=("", ""), splits=HashSplit(eval=1e-9))
    place, part, work = _part(tmp_path / "data", source, Segmentation(classes=("night", "day")))
    labels = {
        copy.id: copy.label for _, copy in hashing.fingerprints(place, part, work, Memory(""))
    }
    assert labels["train/a.png"] == labels["train/b.png"] != labels["train/c.png"]
