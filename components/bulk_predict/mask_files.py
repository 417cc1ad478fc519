"""Predicted masks as files: class ids, colours, and the colours over the image, with a legend."""

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from trainer_modules.engine.images import heat
from trainer_modules.engine.images.colours import complete

MAPS = "maps"
_LINE, _SWATCH, _PAD = 24, 16, 8


@dataclass(frozen=True)
class Legend:
    """Class names and their colours.

    Attributes:
      names: Class names; a mask's pixel is an index into them.
      colours: RGB of each class, 0..255.
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]


def legend(names: Sequence[str], colours: Sequence[tuple[int, int, int]]) -> Legend:
    """Returns the legend; classes without a colour get the one that they have everywhere."""
    return Legend(tuple(names), complete(colours, len(names)))


def file_name(entry_id: str, whole: bool) -> str:
    """Returns the name of an entry's files: its id, with `.png` for the image's ending.

    Args:
      entry_id: Relative path or name; it cannot lead out of the folder.
      whole: Keep the image's ending, for folders with `a.jpg` beside `a.png`.
    """
    parts = [p for p in PurePosixPath(entry_id).parts if p not in ("/", ".", "..")]
    name = PurePosixPath(*parts) if parts else PurePosixPath("unnamed")
    return f"{name}.png" if whole else str(name.with_suffix(".png"))


def write_maps(folder: str, name: str, maps: Mapping[str, bytes]) -> None:
    """Writes `maps/<class>/<name>`: heat maps, the brighter the surer.

    Args:
      folder: Holds `maps`.
      name: File name below the folder of each class.
      maps: Class → grey PNG of its probability, 255 for 1.
    """
    for label, png in maps.items():
        picture = Image.fromarray(heat.coloured(png))
        _write(os.path.join(folder, MAPS, label, name), _png(picture))


def write(folder: str, name: str, mask_png: bytes, image: bytes, colours: Legend) -> None:
    """Writes the three files of one image below `folder`.

    Args:
      folder: Holds `masks`, `coloured`, `overlays`.
      name: File name below each of them.
      mask_png: Class ids as a grey PNG.
      image: The encoded image; the overlay shows it in the mask's size.
      colours: The legend.
    """
    mask = Image.open(io.BytesIO(mask_png)).convert("L")
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(colours.colours)] = colours.colours
    coloured = Image.fromarray(palette[np.asarray(mask)])
    with Image.open(io.BytesIO(image)) as opened:
        under = ImageOps.exif_transpose(opened).convert("RGB").resize(mask.size)
    files = {"coloured": coloured, "overlays": Image.blend(under, coloured, 0.5)}
    _write(os.path.join(folder, "masks", name), mask_png)
    for kind, picture in files.items():
        _write(os.path.join(folder, kind, name), _png(picture))


def write_legend(folder: str, colours: Legend) -> None:
    """Writes `legend.png` for people and `legend.json` for programs."""
    font = ImageFont.load_default(14)
    widest = max((font.getlength(name) for name in colours.names), default=0)
    size = (int(widest) + _SWATCH + 3 * _PAD, _LINE * len(colours.names) + _PAD)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    entries = zip(colours.names, colours.colours, strict=True)
    for i, (name, colour) in enumerate(entries):
        top = i * _LINE + _PAD
        draw.rectangle((_PAD, top, _PAD + _SWATCH, top + _SWATCH), fill=colour, outline="black")
        draw.text((2 * _PAD + _SWATCH, top), name, fill="black", font=font)
    _write(os.path.join(folder, "legend.png"), _png(picture))
    plain = [
        {"id": i, "name": name, "colour": list(colour)}
        for i, (name, colour) in enumerate(zip(colours.names, colours.colours, strict=True))
    ]
    text = json.dumps(plain, ensure_ascii=False, indent=1)
    _write(os.path.join(folder, "legend.json"), text.encode())


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _write(path: str, contents: bytes) -> None:
    import tensorflow as tf

    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "wb") as f:
        f.write(contents)
