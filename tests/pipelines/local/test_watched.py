"""Where the data of a run lies, for each kind of layout."""

import os
import shutil
from collections.abc import Callable
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


def _of(task: str, data: str | None, root: Path, **options: str) -> Watched:
    read, place, source = ingest.prepare(
        tasks.load(task),
        data,
        str(root / "runs"),
        **options,  # type: ignore[arg-type]
    )
    config = RunConfig(data=data, **options)  # type: ignore[arg-type]
    seen = watched.of(read, config, place, source)
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


def _window(tmp_path: Path) -> Watched:
    """Two of three spans, of the newest two versions, and a fixed test set elsewhere."""
    for folder in ("span-1/v-1", "span-2/v-1", "span-4/v-1", "span-4/v-2"):
        _photos(tmp_path / "photos" / folder, "cat", "dog")
    _photos(tmp_path / "fixed", "cat", "dog")
    return _of(
        "image_folder",
        f"{tmp_path}/photos/span-{{SPAN}}/v-{{VERSION}}",
        tmp_path,
        window="2",
        evaluate=str(tmp_path / "fixed"),
    )


def test_of_a_window_its_spans_and_the_fixed_test_set_are_watched(tmp_path: Path) -> None:
    seen = _window(tmp_path)
    photos = tmp_path / "photos"
    assert seen == Watched(
        (f"{photos}/span-*/v-*",),
        (f"{tmp_path}/fixed", f"{photos}/span-2/v-1", f"{photos}/span-4/v-2"),
    )


_CHANGES: dict[str, tuple[bool, Callable[[Path], object]]] = {
    "a new span": (True, lambda root: _photos(root / "photos/span-5/v-1", "cat")),
    "a new version in the window": (True, lambda root: _photos(root / "photos/span-2/v-2", "cat")),
    "a late span in the window": (True, lambda root: _photos(root / "photos/span-3/v-1", "cat")),
    "a span gone": (True, lambda root: shutil.rmtree(root / "photos/span-4")),
    "a file of the older span": (True, lambda root: _touched(root / "photos/span-2/v-1")),
    "a file of the newest span": (True, lambda root: _touched(root / "photos/span-4/v-2")),
    "a file of the test set": (True, lambda root: _touched(root / "fixed")),
    "a file more in the test set": (True, lambda root: (root / "fixed/cat/9.png").touch()),
    "the test set gone": (True, lambda root: shutil.rmtree(root / "fixed")),
    # No run reads these; in which split their images were is remembered elsewhere.
    "a file of a span before": (False, lambda root: _touched(root / "photos/span-1/v-1")),
    "a file of an older version": (False, lambda root: _touched(root / "photos/span-4/v-1")),
    "somebody's notes": (False, lambda root: (root / "photos/notes.txt").touch()),
}


def _touched(folder: Path) -> None:
    os.utime(folder / "cat" / "1.png", (0, 0))


@pytest.mark.parametrize("change", _CHANGES)
def test_what_changes_a_window_is_told(tmp_path: Path, change: str) -> None:
    seen = _window(tmp_path)
    before = seen.listing().digest
    told, made = _CHANGES[change]
    made(tmp_path)
    assert (seen.listing().digest != before) == told


def test_images_that_a_test_sets_table_names_are_watched(tmp_path: Path) -> None:
    for folder in ("span-1", "fixed"):
        photos = _photos(tmp_path / f"images of {folder}", "cat", "dog")
        rows = [f"{photos}/{name}/{i}.png,{name}" for name in ("cat", "dog") for i in range(2)]
        (tmp_path / folder).mkdir()
        table = tmp_path / folder / "labels.csv"
        table.write_text("\n".join(["image,labels", *rows]) + "\n")
    data, fixed = f"{tmp_path}/span-{{SPAN}}", str(tmp_path / "fixed")
    seen = _of("image_labels", data, tmp_path, evaluate=fixed)
    for folder in ("span-1", "fixed"):
        before = seen.listing().digest
        _touched(tmp_path / f"images of {folder}")
        assert seen.listing().digest != before


def test_a_test_set_in_a_bucket_is_not_watched(tmp_path: Path) -> None:
    photos = str(_photos(tmp_path / "photos", "cat", "dog"))
    task, config = tasks.load("image_folder"), RunConfig(data=photos, evaluate="gs://bucket/fixed")
    assert watched.of(task, config, photos, task.source) is None


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
