"""Images and masks in parallel folders."""

import io
import itertools
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.example_gen import ingest as preparation
from tests.components.example_gen.conftest import encoded, ids, picture, write
from trainer_modules import camvid
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task.sources import (
    HashSplit,
    ImagesAndMasks,
)

STREET = Segmentation(classes=("road", "sky"), void=11)


def mask_of(*ids, size=(12, 10)):
    values = np.resize(np.array(ids, np.uint8), (size[1], size[0]))
    return Image.fromarray(values)


def test_images_and_masks(ingest, tmp_path):
    seeds = itertools.count()

    def add(name, mask):
        write(tmp_path / "train" / f"{name}.jpg", encoded(picture(next(seeds)), "JPEG"))
        if mask is not None:
            write(tmp_path / "trainannot" / f"{name}.png", mask)

    good = encoded(mask_of(0, 1, 11))
    coloured = mask_of(0, 1)
    coloured.putpalette([200, 10, 10, 10, 200, 10])
    add("a", good)
    add("palette", encoded(coloured))
    add("strange", encoded(mask_of(0, 2, 255)))
    add("no_mask", None)
    add("wrong_size", encoded(mask_of(0, size=(10, 12))))
    add("rgb_mask", encoded(picture(3)))
    add("jpeg_mask", encoded(mask_of(0), "JPEG"))
    add("cut_mask", good[:-20])
    write(tmp_path / "trainannot" / "orphan.png", good)
    write(tmp_path / "val" / "b.png", encoded(picture(70)))
    write(tmp_path / "valannot" / "b.png", good)
    found = ingest(tmp_path, ImagesAndMasks(), STREET)
    assert ids(found, "train") == {"train/a.jpg", "train/palette.jpg"}
    assert found.examples["train/a.jpg"]["mask"] == good
    assert "label" not in found.examples["train/a.jpg"]
    stored = Image.open(io.BytesIO(found.examples["train/palette.jpg"]["mask"]))
    assert stored.mode == "L"
    np.testing.assert_array_equal(np.asarray(stored), np.asarray(coloured))
    assert found.summary["classes"]["train"] == {"road": 2, "sky": 2}
    reasons = {i.split("/")[1].split(".")[0]: r for i, r in found.rejected.items()}
    assert "ids 2, 255; must be within 0..1 or void 11" in reasons["strange"]
    assert reasons["no_mask"] == "has no mask trainannot/no_mask.png"
    assert reasons["wrong_size"] == "mask is 10 × 12 pixels, but its image is 12 × 10"
    assert "mode RGB" in reasons["rgb_mask"]
    assert "lossless" in reasons["jpeg_mask"]
    assert "truncated" in reasons["cut_mask"]
    assert reasons["orphan"] == "mask without an image in train/"
    assert "test" not in found.splits


def test_masks_in_colours(ingest, tmp_path):
    problem = Segmentation(
        classes=("road", "sky"), colours=((9, 9, 9), (0, 0, 255)), rgb_masks=True
    )
    pixels = np.full((10, 12, 3), 9, np.uint8)
    good = encoded(Image.fromarray(pixels))
    pixels[3, 4] = (1, 2, 3)
    for name, mask in {"good": good, "bad": encoded(Image.fromarray(pixels))}.items():
        write(tmp_path / "train" / f"{name}.png", encoded(picture(len(name))))
        write(tmp_path / "trainannot" / f"{name}.png", mask)
    source = ImagesAndMasks(eval=("", ""), splits=HashSplit(eval=1e-9))
    found = ingest(tmp_path, source, problem)
    assert found.examples["train/good.png"]["mask"] == good
    assert (
        "colours that belong to no class; the first is (1, 2, 3)" in found.rejected["train/bad.png"]
    )


def _camvid(root: Path, images: str, masks: str, suffix: str, names: list[str]) -> None:
    colours = np.array(camvid.VARIANTS["32"].problem.colours, np.uint8)
    for i, name in enumerate(names):
        seed = zlib.crc32(f"{images}{name}".encode())
        write(root / images / f"{name}.png", encoded(picture(seed)))
        mask = colours[np.random.default_rng(i).integers(0, 32, (10, 12))]
        write(root / masks / f"{name}{suffix}.png", encoded(Image.fromarray(mask)))


@pytest.mark.parametrize(
    ("masks", "suffix"),
    [("{}annot", ""), ("{}annot", "_L"), ("{}_labels", "_L")],
)
def test_camvid_of_32_classes(ingest, tmp_path: Path, masks: str, suffix: str) -> None:
    splits = {"train": "0001TP_006690", "val": "0016E5_07959", "test": "Seq05VD_f00000"}
    for seed, (split, name) in enumerate(splits.items()):
        names = [f"{name}{seed}{i}" for i in range(2)]
        _camvid(
            tmp_path / "data" / split, "../" + split, "../" + masks.format(split), suffix, names
        )
    task = camvid.VARIANTS["32"]
    task, root, source = preparation.prepare(task, str(tmp_path / "data"), str(tmp_path))
    found = ingest(Path(root), source, task.problem)
    assert found.summary["counts"]["train"] == 2 and not found.rejected
    row = found.examples["train/0001TP_00669000.png"]
    mask = Image.open(io.BytesIO(row["mask"]))
    written = tmp_path / "data" / masks.format("train") / f"0001TP_00669000{suffix}.png"
    np.testing.assert_array_equal(np.asarray(mask), np.asarray(Image.open(written)))


def test_camvid_as_its_authors_publish_it(ingest, tmp_path: Path) -> None:
    names = [f"0001TP_{i:06}" for i in range(6690, 6690 + 30 * 200, 30)]
    _camvid(tmp_path, "701_StillsRaw_full", "LabeledApproved_full", "_L", names[::4])
    task = camvid.VARIANTS["32"]
    task, root, source = preparation.prepare(task, str(tmp_path), str(tmp_path))
    found = ingest(Path(root), source, task.problem)
    assert len(found.examples) == 50 and not found.rejected
    blocks = [{i.rpartition("/")[2][:10] for i in rows} for rows in found.splits.values()]
    assert sum(map(len, blocks)) == len(set.union(*blocks)), "neighbours share a split"


def test_a_mask_of_the_images_own_name_is_preferred(ingest, tmp_path: Path) -> None:
    _camvid(tmp_path, "train", "trainannot", "", ["a"])
    _camvid(tmp_path, "train", "trainannot", "_L", ["a"])
    _camvid(tmp_path, "val", "valannot", "_L", ["b"])
    task = camvid.VARIANTS["32"]
    found = ingest(tmp_path, task.source, task.problem)
    assert found.rejected == {"trainannot/a_L.png": "mask without an image in train/"}
