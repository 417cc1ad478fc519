"""Small images for the page, drawn with Pillow: thumbnails within a budget, masks, grids."""

import base64
import io
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont, ImageOps

K = TypeVar("K", bound=Hashable)
LARGEST, _SMALLEST = 320, 72
_TINY = 64
_TILE, _CAPTION, _GAP = 112, 20, 8


def small(encoded: bytes, size: int = LARGEST) -> PillowImage.Image:
    """Returns encoded image bytes as a picture whose sides are at most `size`.

    Raises:
      OSError: If Pillow cannot read the bytes.
    """
    picture = open_image(encoded, (size, size)).copy()
    picture.thumbnail((size, size))
    return picture


def within(
    images: Mapping[K, PillowImage.Image], budget: int, largest: int = LARGEST
) -> dict[K, str]:
    """Returns pictures as `data:` URIs, as large as a common budget allows.

    Args:
      images: Pictures by name.
      budget: Characters that all of them may take; very many are drawn at the smallest size
        whatever they take.
      largest: Longest side in pixels where there is room.
    """
    size = largest
    while True:
        drawn = {name: data_uri(picture, size) for name, picture in images.items()}
        taken = sum(map(len, drawn.values()))
        if taken <= budget or size <= _SMALLEST:
            return drawn
        # Bytes grow a little more slowly than the area.
        size = max(_SMALLEST, int(size * min(0.95, (budget / taken) ** 0.6)))


def open_image(encoded: bytes, about: tuple[int, int] | None = None) -> PillowImage.Image:
    """Returns encoded bytes as a picture that can be shown, upright, grey or RGB.

    Args:
      encoded: The bytes of an image file.
      about: The size that will be needed; a JPEG is then decoded no larger than necessary.

    Raises:
      OSError: If Pillow cannot read the bytes.
    """
    with PillowImage.open(io.BytesIO(encoded)) as picture:
        if about is not None:
            picture.draft("RGB", about)
        return _shown(ImageOps.exif_transpose(picture))


def _shown(picture: PillowImage.Image) -> PillowImage.Image:
    if picture.mode.startswith(("I", "F")):
        # 16-bit and float pixels: stretch what is there over 0..255.
        values = np.asarray(picture, float)
        span = float(values.max() - values.min()) or 1.0
        return PillowImage.fromarray(((values - values.min()) / span * 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        white = PillowImage.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        return white.convert("RGB")
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


def data_uri(picture: PillowImage.Image, size: int | None = None, *, lossless: bool = False) -> str:
    """Returns a picture as a `data:` URI, no side longer than `size`; tiny ones stay PNG."""
    if size is not None:
        picture = picture.copy()
        picture.thumbnail((size, size))
    buffer = io.BytesIO()
    if lossless or max(picture.size) <= _TINY:
        picture.save(buffer, "PNG", optimize=True)
        kind = "png"
    else:
        picture.save(buffer, "WEBP", quality=72)
        kind = "webp"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The same examples in one or more renderings, for people to check before training.

    Attributes:
      blocks: (title, images) pairs; images are uint8 `[height, width, channels]`, in one order.
      labels: The examples' class names; "" where they have none.
      ids: Their file names.
    """

    blocks: tuple[tuple[str, tuple[np.ndarray, ...]], ...]
    labels: tuple[str, ...]
    ids: tuple[str, ...]

    def png(self) -> bytes:
        """Returns the sheet as one picture."""
        return grid(self.blocks, self.labels)


def grid(
    rows: Sequence[tuple[str, Sequence[np.ndarray]]], labels: Sequence[str], columns: int = 8
) -> bytes:
    """Draws images with their labels, for people to check before training.

    Args:
      rows: (title, images) blocks; images are uint8 `[height, width, channels]`, the same
        examples in each block.
      labels: The examples' labels.
      columns: Images side by side.

    Returns:
      A PNG.
    """
    columns = max(1, min(columns, len(labels)))
    lines = -(-len(labels) // columns)
    tiles = [[fit(pixels, _TILE) for pixels in images] for _, images in rows]
    tallest = max(tile.height for row in tiles for tile in row)
    cell = (_TILE + _GAP, tallest + _CAPTION + _GAP)
    block = 34 + lines * cell[1]
    sheet = PillowImage.new("RGB", (columns * cell[0] + _GAP, len(rows) * block + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    title_font, font = _font(16), _font(12)
    for b, (title, _) in enumerate(rows):
        pen.text((_GAP, b * block + 10), title, fill="#1c2430", font=title_font)
        for i, tile in enumerate(tiles[b]):
            x = _GAP + (i % columns) * cell[0]
            y = b * block + 38 + (i // columns) * cell[1]
            sheet.paste(tile, (x + (_TILE - tile.width) // 2, y + (tallest - tile.height) // 2))
            pen.text((x, y + tallest + 3), _cut(labels[i], font), fill="#4a5568", font=font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def of_pixels(pixels: np.ndarray) -> PillowImage.Image:
    """Returns uint8 `[height, width, channels]` as a picture."""
    return PillowImage.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def fit(pixels: np.ndarray, size: int) -> PillowImage.Image:
    """Returns uint8 `[height, width, channels]` as a picture whose longer side is `size`."""
    picture = of_pixels(pixels)
    scale = size / max(picture.size)
    target = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    smooth = PillowImage.Resampling.LANCZOS if scale < 1 else PillowImage.Resampling.NEAREST
    return picture.convert("RGB").resize(target, smooth)


def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    # matplotlib carries DejaVu Sans, which has more letters than Pillow's own font.
    path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(path, size)


def _cut(text: str, font: ImageFont.FreeTypeFont) -> str:
    text = " ".join(text.split())
    if font.getlength(text) <= _TILE:
        return text
    while text and font.getlength(f"{text}…") > _TILE:
        text = text[:-1]
    return f"{text}…"


def coloured(mask: np.ndarray, palette: np.ndarray, outside: int = 0) -> np.ndarray:
    """Returns class ids `[height, width]` as RGB uint8; ids outside the palette become grey."""
    table = np.full((256, 3), outside, np.uint8)
    table[: len(palette)] = palette
    return table[mask.astype(np.uint8)]


def overlay(image: np.ndarray, mask: np.ndarray, opacity: float = 0.5) -> np.ndarray:
    """Lays a coloured mask over an image; both RGB uint8 of one size."""
    mixed = image.astype(float) * (1 - opacity) + mask.astype(float) * opacity
    return mixed.round().astype(np.uint8)
