"""Where the data of a run lies, for each kind of layout."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from components.example_gen import ingest
from pipelines import tasks
from pipelines.config import RunConfig
from pipelines.local import watched
from pipelines.local.listing import Watched


def _photos(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        for i in range(2):
            pixels = np.full((4, 4, 3), 100 * i, np.uint8)
            Pillow.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


def _of(task: str, data: str | None, root: Path) -> Watched:
    read, place, source = ingest.prepare(tasks.load(task), data, str(root / "runs"))
    seen = watched.of(read, RunConfig(data=data), place, source)
    assert seen is not None
    return seen


def test_class_folders_are_watched_as_a_whole(tmp_path: Path) -> None:
    photos = _photos(tmp_path / "photos", "train/cat", "train/dog", "val/cat", "val/dog")
    seen = _of("image_folder", str(photos), tmp_path)
    assert seen == Watched((), (str(photos),))
    # A folder beside those of the layout becomes a split.
    before = seen.listing().digest
    _photos(photos, "test/cat")
    assert seen.listing().digest != before


def test_of_spans_their_names_and_the_newest_is_watched(tmp_path: Path) -> None:
    for span in (1, 2):
        _photos(tmp_path / "photos" / f"span-{span}", "cat", "dog")
    seen = _of("image_folder", f"{tmp_path}/photos/span-{{SPAN}}", tmp_path)
    base = tmp_path / "photos"
    assert seen == Watched((f"{base}/span-*",), (f"{base}/span-2",))


@pytest.mark.parametrize("far", [True, False])
def test_of_a_table_the_images_are_watched_wherever_they_are(tmp_path: Path, far: bool) -> None:
    photos = _photos(tmp_path / ("far" if far else "home/photos"), "cat", "dog")
    (tmp_path / "home").mkdir(exist_ok=True)
    table = tmp_path / "home" / "labels.csv"
    rows = [f"{photos}/{n}/{i}.png,{n}" for n in ("cat", "dog") for i in range(2)]
    table.write_text("\n".join(["image,labels", *rows]) + "\n")
    seen = _of("image_labels", str(table), tmp_path)
    before = seen.listing().digest
    os.utime(photos / "dog" / "1.png", (0, 0))
    assert seen.listing().digest != before


def test_the_original_files_are_watched_as_well_as_their_copy(tmp_path: Path) -> None:
    seen = _of("digits", None, tmp_path)
    (copy,) = seen.places
    assert copy.startswith(f"{tmp_path}/runs/data/") and seen.listing().files > 0


def test_no_data_is_nothing_to_watch(tmp_path: Path) -> None:
    task = tasks.load("imagenet")
    assert watched.of(task, RunConfig(), "", task.source) == Watched()


def test_data_in_a_bucket_is_not_watched() -> None:
    task, bucket = tasks.load("image_folder"), "gs://bucket/photos"
    assert watched.of(task, RunConfig(data=bucket), bucket, task.source) is None
