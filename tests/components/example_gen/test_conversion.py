"""Ingestion of formats that TensorFlow does not decode: PNG in the Examples, each one listed."""

import io
import json
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from components.example_gen import checking
from tests.components.example_gen.conftest import encoded, picture, write
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import Classification, Segmentation
from trainer_modules.engine.task.sources import ImageFolders, ImagesAndMasks

pillow_heif.register_heif_opener()
PETS = Classification(classes=("cat", "dog"))
LAYOUT = ImageFolders(train="train", eval="valid")
TURNED = Image.Exif()
TURNED[0x0112] = 6
FOUND = {
    "scan.tiff": (encoded(picture(1), "TIFF", exif=TURNED), b"TIFF", 3, ""),
    "stack.tif": (
        encoded(picture(2, mode="L"), "TIFF", save_all=True, append_images=[picture(3, mode="L")]),
        b"TIFF",
        1,
        "the first of several pages or frames",
    ),
    "print.tif": (encoded(picture(4).convert("CMYK"), "TIFF"), b"TIFF", 4, ""),
    "sign.ppm": (encoded(picture(5), "PPM"), b"PPM", 3, ""),
    "phone.heic": (encoded(picture(6, (64, 48)), "HEIF"), b"HEIF", 3, ""),
    "web.avif": (encoded(picture(7).convert("RGBA"), "AVIF"), b"AVIF", 3, ""),
    "called.jpg": (encoded(picture(8), "JPEG2000"), b"JPEG2000", 3, ""),
    "moving.webp": (
        encoded(picture(9), "WEBP", save_all=True, append_images=[picture(10)], lossless=True),
        b"WEBP",
        3,
        "the first of several pages or frames",
    ),
}


def test_each_becomes_png_and_is_listed(ingest, tmp_path: Path) -> None:
    for name, (contents, *_) in FOUND.items():
        write(tmp_path / "data" / "train" / "cat" / name, contents)
    plain = encoded(picture(20), "JPEG")
    write(tmp_path / "data" / "train" / "dog" / "plain.jpg", plain)
    write(tmp_path / "data" / "valid" / "dog" / "held_out.ppm", encoded(picture(21), "PPM"))
    # The same file again: content as found decides, not what it was converted to.
    write(tmp_path / "data" / "train" / "dog" / "copy.ppm", encoded(picture(21), "PPM"))
    found = ingest(tmp_path / "data", LAYOUT, PETS)
    assert not found.rejected
    for name, (contents, form, channels, _) in FOUND.items():
        row = found.splits["train"][f"train/cat/{name}"]
        converted = formats.convert(contents)
        assert converted is not None and row["image"] == converted.png, name
        assert (row["format"], row["channels"]) == (form, channels), name
        shown = np.asarray(Image.open(io.BytesIO(row["image"])))
        assert (row["height"], row["width"]) == shown.shape[:2], name
    assert found.splits["train"]["train/cat/scan.tiff"]["height"] == 12, "upright"
    assert found.splits["train"]["train/dog/plain.jpg"]["image"] == plain
    assert found.summary["duplicates"]["count"] == 1
    lines = (tmp_path / "ingested-0" / "converted.jsonl").read_text().splitlines()
    listed = {row["id"]: row for row in map(json.loads, lines)}
    expected = {f"train/cat/{n}": (f.decode(), note) for n, (_, f, _, note) in FOUND.items()}
    expected["valid/dog/held_out.ppm"] = ("PPM", "")
    assert {i: (row["format"], row["note"]) for i, row in listed.items()} == expected
    assert listed["valid/dog/held_out.ppm"]["split"] == "eval"
    assert found.summary["converted"]["count"] == len(expected)
    assert {row["id"] for row in found.summary["converted"]["listed"]} == set(expected)
    assert found.summary["formats"]["TIFF"] == 3


def test_nothing_converted_is_an_empty_list(ingest, tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write(tmp_path / "data" / split / "cat" / f"{split}.png", encoded(picture(len(split))))
    found = ingest(tmp_path / "data", LAYOUT, PETS)
    assert found.summary["converted"] == {"count": 0, "listed": []}
    assert (tmp_path / "ingested-0" / "converted.jsonl").read_text() == ""


def test_images_and_masks_may_be_tiff_and_ppm(ingest, tmp_path: Path) -> None:
    mask = Image.fromarray(np.arange(120, dtype=np.uint8).reshape(10, 12) % 2)
    kinds = (("train", "TIFF", "tif"), ("val", "PPM", "ppm"))
    for split, form, ending in kinds:
        image = encoded(picture(len(split)), form)
        write(tmp_path / "data" / split / f"a.{ending}", image)
        write(tmp_path / "data" / f"{split}annot" / f"a.{ending}", encoded(mask, form))
    write(tmp_path / "data" / "train" / "b.tif", encoded(picture(9), "TIFF"))
    lossy = encoded(mask, "TIFF", compression="jpeg")
    write(tmp_path / "data" / "trainannot" / "b.tif", lossy)
    source = ImagesAndMasks(test=("", ""))
    found = ingest(tmp_path / "data", source, Segmentation(classes=("night", "day")))
    assert set(found.examples) == {"train/a.tif", "val/a.ppm"}
    assert "mask must be lossless" in found.rejected["train/b.tif"]
    for row in found.examples.values():
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(row["mask"]))), mask)


@pytest.mark.parametrize("name", FOUND)
def test_brightness_is_that_of_the_picture(name: str) -> None:
    contents = FOUND[name][0]
    converted = formats.convert(contents)
    assert converted is not None
    measured = checking.measure(converted.png)
    assert not isinstance(measured, str)
    grey = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB").convert("L"))
    assert measured.brightness == pytest.approx(grey.mean() / 255, abs=0.01)
