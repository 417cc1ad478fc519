"""The form of images, as `inputs.images.Images` has it, for what only needs their form."""

from collections.abc import Hashable
from typing import Protocol


class Pixels(Hashable, Protocol):
    """The form of images, as far as decoding, storing and networks read it."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""

    @property
    def resize(self) -> str:
        """A method of `tf.image.resize`."""

    @property
    def antialias(self) -> bool:
        """Whether a low-pass filter comes before shrinking."""

    @property
    def stored_as(self) -> str:
        """`png` or `jpeg`."""

    @property
    def jpeg_quality(self) -> int:
        """JPEG quality."""
