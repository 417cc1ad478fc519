"""Images in formats that TensorFlow does not decode: content, form, channels, and what is noted."""

import pillow_heif
from PIL import Image

from tests.components.example_gen.conftest import encoded, picture

pillow_heif.register_heif_opener()
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
