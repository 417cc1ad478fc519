"""The files of a predicted mask, opened with Pillow."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.bulk_predict import mask_files

LEGEND = mask_files.legend(("sky", "road", "näme"), ((255, 0, 0), (0, 0, 255)))
MASK = np.array([[0, 1], [1, 0]], np.uint8)


def png(pixels: np.ndarray, **settings: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **settings)
    return file.getvalue()


@pytest.mark.parametrize(
    ("entry_id", "whole", "name"),
    [
        ("a/b.jpg", False, "a/b.png"),
        ("a/b.jpg", True, "a/b.jpg.png"),
        ("b", False, "b.png"),
        ("a.b/c", False, "a.b/c.png"),
        ("../../etc/passwd", False, "etc/passwd.png"),
        ("/abs/x.png", False, "abs/x.png"),
        ("", False, "unnamed.png"),
    ],
)
def test_a_name_stays_in_its_folder(entry_id: str, whole: bool, name: str) -> None:
    assert mask_files.file_name(entry_id, whole) == name


def test_ids_colours_and_overlay(tmp_path: Path) -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    mask_files.write(str(tmp_path), "x/y.png", png(MASK), png(image), LEGEND)

    def opened(kind: str) -> np.ndarray:
        return np.asarray(Image.open(tmp_path / kind / "x/y.png"))

    assert np.array_equal(opened("masks"), MASK)
    colours = np.array(LEGEND.colours, np.uint8)
    assert np.array_equal(opened("coloured"), colours[MASK])
    halfway = (colours[MASK].astype(int) + 100) / 2
    assert np.abs(opened("overlays") - halfway).max() <= 1


def test_an_image_that_lies_on_its_side_is_put_upright_under_the_overlay(tmp_path: Path) -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by 90° clockwise: the light pixel goes to the right.
    mask_files.write(str(tmp_path), "y.png", png(MASK), png(image, exif=exif), LEGEND)
    overlay = np.asarray(Image.open(tmp_path / "overlays/y.png")).astype(int)
    coloured = np.array(LEGEND.colours)[MASK]
    assert np.argwhere(np.abs(overlay - coloured / 2).max(axis=-1) > 2).tolist() == [[0, 1]]


def test_the_legend_for_programs_has_every_class_once(tmp_path: Path) -> None:
    mask_files.write_legend(str(tmp_path), LEGEND)
    plain = json.loads((tmp_path / "legend.json").read_text(encoding="utf-8"))
    assert [(one["id"], one["name"]) for one in plain] == [(0, "sky"), (1, "road"), (2, "näme")]
    # A class without a colour of its own gets one that no other has.
    assert len({tuple(one["colour"]) for one in plain}) == 3
    picture = np.asarray(Image.open(tmp_path / "legend.png")).reshape(-1, 3)
    assert {tuple(c) for c in LEGEND.colours} <= {tuple(int(v) for v in p) for p in picture}


def test_a_heat_map_is_the_brighter_the_surer(tmp_path: Path) -> None:
    probability = np.array([[0, 64], [128, 255]], np.uint8)
    mask_files.write_maps(str(tmp_path), "y.png", {"road": png(probability)})
    drawn = np.asarray(Image.open(tmp_path / "maps/road/y.png").convert("RGB")).astype(int)
    brightness = drawn.sum(axis=-1).ravel()
    assert (np.diff(brightness) > 0).all()
