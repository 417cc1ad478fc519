import io

import matplotlib
import numpy as np
from PIL import Image

from trainer_modules.engine.images import heat


def test_the_scale_is_that_of_its_source() -> None:
    grey = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8)[None]).save(grey, "PNG")
    found = heat.coloured(grey.getvalue())[0].astype(int)
    original = matplotlib.colormaps["inferno"](np.arange(256))[:, :3] * 255
    assert abs(found - original).max() < 4
    # Brighter means surer, also where it is printed in grey.
    brightness = found @ (299, 587, 114)
    assert (np.diff(brightness) >= 0).all()
