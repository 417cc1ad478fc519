"""What an image is found to be: one folder holds every kind, each read or refused with a reason."""

import io
import os
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from components.example_gen import checking
from components.example_gen.readers import storage
from tests.components.example_gen.conftest import Ingested, encoded, picture, run_ingestion, write
from tests.components.example_gen.foreign_formats import FOUND
from trainer_modules.engine.images import decoding, formats
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import ImageFolders

PROBLEM = Classification(classes=("cat", "dog"))
_PHOTO = encoded(picture(0, (60, 40)), "JPEG")


def _png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


GOOD = {
    "plain.jpg": encoded(picture(1), "JPEG"),
    "a_png_called.jpg": encoded(picture(2), "PNG"),
    "cmyk.jpg": encoded(picture(3).convert("CMYK"), "JPEG"),
    "grey.jpg": encoded(picture(4, mode="L"), "JPEG"),
    "sixteen_bit.png": encoded(
        Image.fromarray(np.arange(0, 60000, 500, dtype=np.uint16).reshape(10, 12)), "PNG"
    ),
    "palette.png": encoded(picture(5).quantize(8), "PNG"),
    "alpha.png": encoded(picture(6).convert("RGBA"), "PNG"),
    "animated.gif": encoded(
        picture(7).quantize(8), "GIF", save_all=True, append_images=[picture(8).quantize(8)]
    ),
    "turned.jpg": encoded(picture(9), "JPEG", exif=_exif(6)),
    "still.webp": encoded(picture(10), "WEBP"),
    "bitmap.bmp": encoded(picture(11), "BMP"),
    "no_ending": encoded(picture(12), "PNG"),
}
BAD = {
    "truncated.jpg": (_PHOTO[:-40], "damaged or truncated JPEG"),
    "truncated.png": (encoded(picture(20))[:-30], "damaged or truncated PNG"),
    "header_only.png": (encoded(picture(20))[:12], "damaged header"),
    "empty.jpg": (b"", "is empty (0 bytes)"),
    "also_empty.jpg": (b"", "is empty (0 bytes)"),
    "text.jpg": (b"dear diary\n", "is not an image"),
    "notes.txt": (b"dear diary\n", "is not an image"),
    "huge.png": (_png_header(60000, 60000), "declares 60,000 × 60,000 pixels"),
    "icon.ico": (encoded(picture(21), "ICO"), "PNG, GIF, BMP, WebP, TIFF, PPM, HEIC, AVIF"),
    "truncated.tiff": (encoded(picture(24), "TIFF")[:-200], "damaged or truncated TIFF"),
    "huge.ppm": (b"P6\n60000 60000\n255\n", "declares 60,000 × 60,000 pixels"),
    "numbers.tif": (encoded(picture(25).convert("F"), "TIFF"), "whose value range is undefined"),
}


@pytest.fixture(scope="module")
def ingested(tfx_ready: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingested]:
    root = tmp_path_factory.mktemp("data")
    for name, contents in GOOD.items():
        write(root / "train" / "cat" / name, contents)
    for name, (contents, _) in BAD.items():
        write(root / "train" / "dog" / name, contents)
    for name in (".hidden.jpg", "Thumbs.db", ".DS_Store"):
        write(root / "train" / "dog" / name, b"junk")
    write(root / "train" / "dgo" / "strange.png", encoded(picture(30)))
    write(root / "train" / "loose.png", encoded(picture(31)))
    write(root / "train" / "README.md", "about the data")
    write(root / "train" / "dog" / "secret.png", encoded(picture(32)))
    write(root / "val" / "dog" / "fine.png", encoded(picture(33)))
    write(root / "extra" / "dog" / "fine.png", encoded(picture(34)))
    (root / "train" / "bird").mkdir()
    os.symlink(root / "nowhere.jpg", root / "train" / "dog" / "broken_link.jpg")
    os.symlink(root / "val" / "dog" / "fine.png", root / "train" / "dog" / "link_out.png")
    os.symlink(root / "train", root / "train" / "dog" / "loop")
    os.symlink("itself.png", root / "train" / "dog" / "itself.png")
    os.mkfifo(root / "train" / "dog" / "pipe.png")
    for number, name in enumerate((b"caf\xe9.png", b"caf\xe8.png")):
        path = os.path.join(os.fsencode(root / "train" / "cat"), name)
        with open(path, "wb") as f:
            f.write(encoded(picture(40 + number)))
    read = storage.read

    def read_but_not_secrets(path: str, limit: int = -1) -> bytes:
        if path.endswith("secret.png"):
            raise PermissionError(13, "Permission denied", path)
        return read(path, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "read", read_but_not_secrets)
        yield run_ingestion(root, ImageFolders(), PROBLEM, tmp_path_factory.mktemp("out"))


@pytest.mark.parametrize("name", GOOD)
def test_unusual_but_sound_images_are_read(ingested: Ingested, name: str):
    row = ingested.splits["train"][f"train/cat/{name}"]
    assert row["image"] == GOOD[name], "bytes must stay as found"
    assert row["label"] == b"cat"
    assert (row["height"], row["width"]) == ((12, 10) if name == "turned.jpg" else (10, 12))


@pytest.mark.parametrize(
    ("name", "form", "channels"),
    [
        ("plain.jpg", b"JPEG", 3),
        ("a_png_called.jpg", b"PNG", 3),
        ("cmyk.jpg", b"JPEG", 4),
        ("grey.jpg", b"JPEG", 1),
        ("sixteen_bit.png", b"PNG", 1),
        ("palette.png", b"PNG", 3),
        ("alpha.png", b"PNG", 4),
        ("animated.gif", b"GIF", 3),
        ("still.webp", b"WEBP", 3),
        ("bitmap.bmp", b"BMP", 3),
    ],
)
def test_format_and_channels_are_those_of_the_content(ingested, name, form, channels):
    row = ingested.examples[f"train/cat/{name}"]
    assert (row["format"], row["channels"]) == (form, channels)


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"sixteen_bit.png"}))
def test_what_was_accepted_decodes_to_what_a_viewer_shows(ingested, name):
    row = ingested.examples[f"train/cat/{name}"]
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(row["image"]))).convert("RGB")
    decoded = decoding.decode_image(tf.constant(row["image"]), channels=3).numpy()
    assert np.abs(decoded.astype(int) - np.asarray(shown)).max() <= 2
    assert row["brightness"] == pytest.approx(np.asarray(shown.convert("L")).mean() / 255, abs=0.01)


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_rejected_with_the_reason(ingested, name):
    assert BAD[name][1] in ingested.rejected[f"train/dog/{name}"]


def test_broken_link_unreadable_file_and_special_file(ingested):
    for name in ("broken_link.jpg", "itself.png"):
        assert ingested.rejected[f"train/dog/{name}"] == "is a broken symbolic link"
    assert "Permission denied" in ingested.rejected["train/dog/secret.png"]
    assert ingested.rejected["train/dog/pipe.png"] == "is not a regular file"


def test_names_that_are_not_utf8_stay_printable_and_apart(ingested):
    for name in (r"caf\udce9.png", r"caf\udce8.png"):
        assert f"train/cat/{name}" in ingested.splits["train"]


def test_unknown_class_names_the_nearest(ingested):
    assert "did you mean 'dog'?" in ingested.rejected["train/dgo/strange.png"]


def test_empty_class_folder_is_listed(ingested):
    assert ingested.rejected["train/bird/"] == "contains no files"


def test_image_outside_the_class_folders_is_rejected_and_a_readme_is_not(ingested):
    assert ingested.rejected["train/loose.png"] == "is not in a class folder"
    assert not [i for i in {**ingested.rejected, **ingested.examples} if "README" in i]


def test_folder_beside_the_split_folders_is_listed(ingested):
    assert "beside the split folders" in ingested.rejected["extra/"]


def test_hidden_files_are_no_examples(ingested):
    names = {**ingested.rejected, **ingested.examples}
    assert not [n for n in names if "hidden" in n or "Thumbs" in n or "DS_Store" in n]


def test_link_to_a_held_out_image_is_a_duplicate(ingested):
    assert ingested.summary["duplicates"] == {
        "count": 1,
        "listed": [{"id": "train/dog/link_out.png", "kept": "val/dog/fine.png", "split": "train"}],
    }


def test_nothing_is_unaccounted_for(ingested):
    expected = {f"train/dog/{n}" for n in BAD}
    expected |= {
        "train/dog/broken_link.jpg",
        "train/dog/itself.png",
        "train/dog/secret.png",
        "train/dog/pipe.png",
        "train/dgo/strange.png",
        "train/bird/",
        "train/loose.png",
        "extra/",
    }
    assert set(ingested.rejected) == expected
    assert ingested.summary["counts"] == {"train": len(GOOD) + 2, "eval": 1}
    assert ingested.summary["classes"] == {"train": {"cat": len(GOOD) + 2}, "eval": {"dog": 1}}
    assert ingested.summary["rejected_per_split"]["train"] == len(expected) - 1


@pytest.mark.parametrize("name", FOUND)
def test_brightness_is_that_of_the_picture(name: str) -> None:
    contents = FOUND[name][0]
    converted = formats.convert(contents)
    assert converted is not None
    measured = checking.measure(converted.png)
    assert not isinstance(measured, str)
    grey = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB").convert("L"))
    assert measured.brightness == pytest.approx(grey.mean() / 255, abs=0.01)
