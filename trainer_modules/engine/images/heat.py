"""Heat maps: a network's probability of a class at each pixel, in an ordered colour map."""

import functools
import io

import numpy as np
from PIL import Image

# matplotlib's `inferno` (Smith and van der Walt, CC0) sampled at 33 points from dark to bright:
# uniform in grey and for colour-blind readers. Batch inference runs without matplotlib.
_INFERNO = (
    (0, 0, 4),
    (4, 3, 18),
    (11, 7, 36),
    (21, 11, 55),
    (33, 12, 74),
    (47, 10, 91),
    (61, 9, 101),
    (74, 12, 107),
    (87, 16, 110),
    (100, 21, 110),
    (113, 25, 110),
    (125, 30, 109),
    (138, 34, 106),
    (151, 39, 102),
    (163, 44, 97),
    (176, 49, 91),
    (188, 55, 84),
    (198, 61, 77),
    (208, 69, 69),
    (218, 78, 60),
    (227, 89, 51),
    (235, 100, 41),
    (241, 113, 31),
    (246, 126, 20),
    (249, 140, 10),
    (251, 155, 6),
    (252, 170, 15),
    (251, 186, 31),
    (249, 201, 50),
    (245, 217, 73),
    (242, 232, 101),
    (243, 245, 134),
    (252, 255, 164),
)


@functools.cache
def _scale() -> np.ndarray:
    """Returns RGB uint8 `[256, 3]`, interpolated linearly between the given colours."""
    places = np.linspace(0, 255, len(_INFERNO)).round()
    channels = [np.interp(np.arange(256), places, column) for column in zip(*_INFERNO, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def coloured(map_png: bytes) -> np.ndarray:
    """Returns a grey PNG of probabilities (255 is 1) as RGB uint8 `[height, width, 3]`."""
    with Image.open(io.BytesIO(map_png)) as grey:
        colours: np.ndarray = _scale()[np.asarray(grey.convert("L"))]
        return colours
