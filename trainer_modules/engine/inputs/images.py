"""Images: encoded bytes in raw Examples and requests, uint8 pixels in the network."""

from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.images.pixels import Pixels
from trainer_modules.engine.inputs import contract
from trainer_modules.engine.inputs.contract import Input, Statistics
from trainer_modules.engine.limits import check_choice, check_number
from trainer_modules.engine.signatures import IMAGE_INPUT

IMAGE = "image"
"""The feature with the encoded image, in raw and in stored Examples."""


@dataclass(frozen=True, kw_only=True)
class Images(Input):
    """The images that a model sees: uint8 `[height, width, channels]`, values 0..255.

    Attributes:
      height: Pixels.
      width: Pixels.
      channels: 1 (grey) or 3 (RGB).
      resize: `bilinear`, `nearest` or `area`, as in `tf.image.resize`.
      antialias: Apply a low-pass filter before shrinking, as Pillow does; slower.
      scaling: The scaling in the model's first layer: `unit` (x / 255), `none` (floats 0..255), or
        `standardise` (minus the training set's mean, over its deviation, per channel). A backbone
        uses its own scaling instead.
      store: How Transform keeps pixels: `png`, `jpeg`, or `auto` (PNG below 64 × 64 pixels).
      jpeg_quality: JPEG quality, 1..100.
    """

    height: int
    width: int
    channels: int = 3
    resize: str = "bilinear"
    antialias: bool = False
    scaling: str = "unit"
    store: str = "auto"
    jpeg_quality: int = 95

    def __post_init__(self) -> None:
        check_number("height", self.height, least=1)
        check_number("width", self.width, least=1)
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3. Received: {self.channels}")
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality must be within 1..100. Received: {self.jpeg_quality}")
        check_choice("resize", self.resize, ("bilinear", "nearest", "area"))
        check_choice("scaling", self.scaling, ("unit", "none", "standardise"))
        check_choice("store", self.store, ("auto", "png", "jpeg"))

    @property
    def stored_as(self) -> str:
        """`png` or `jpeg`: the encoding in the transformed Examples."""
        if self.store != "auto":
            return self.store
        return "png" if self.height * self.width < 64 * 64 else "jpeg"

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width, channels."""
        return (self.height, self.width, self.channels)

    @property
    def dtype(self) -> str:
        """Pixels stay uint8 up to the device."""
        return "uint8"

    @property
    def standardises(self) -> bool:
        """Whether the first layer needs the training set's mean and deviation of each channel."""
        return self.scaling == "standardise"

    @property
    def columns(self) -> tuple[str, ...]:
        """There are none."""
        return ()

    def images(self, needed_by: str) -> Pixels:
        """Returns itself."""
        del needed_by
        return self

    def transformed(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Returns `image`, encoded at the model's size, and where standardised the moments."""
        import tensorflow as tf

        from trainer_modules.engine.images import preprocessing

        if not self.standardises:
            encoded = tf.map_fn(
                lambda contents: preprocessing.reencoded(contents, self),
                raw[IMAGE],
                fn_output_signature=tf.string,
            )
            return {IMAGE: encoded}
        pixels = preprocessing.load_images(raw[IMAGE], self)
        encoded = tf.map_fn(
            lambda one: preprocessing.encode_image(one, self),
            pixels,
            fn_output_signature=tf.string,
        )
        values = tf.cast(pixels, tf.float32)
        # The mean of image means is the mean of all pixels, since every image has the same size.
        averages = [tf.reduce_mean(v, axis=(1, 2)) for v in (values, values**2)]
        return {IMAGE: encoded} | contract.moments(*averages)

    def stored_spec(self) -> dict[str, Any]:
        """Returns the spec of the encoded image."""
        import tensorflow as tf

        return {IMAGE: tf.io.FixedLenFeature([], tf.string)}

    def stored_input(self, parsed: dict[str, Any]) -> Any:
        """Returns pixels uint8 `[height, width, channels]`."""
        from trainer_modules.engine.images import preprocessing

        return preprocessing.decode_stored(parsed[IMAGE], self)

    @property
    def layer_name(self) -> str:
        """Name of the network's first layer."""
        return IMAGE

    def scaled(self, inputs: Any, statistics: Statistics | None) -> Any:
        """Returns the pixels as `scaling` says, float32 `[batch, height, width, channels]`."""
        from tf_keras import layers

        if self.standardises:
            return contract.standardised(inputs, statistics)
        factor = 1 / 255 if self.scaling == "unit" else 1.0
        return layers.Rescaling(factor, dtype="float32", name="scaling")(inputs)

    @property
    def served(self) -> dict[str, str]:
        """The encoded image; the ending tells a TensorFlow Serving client to send base64."""
        return {IMAGE_INPUT: IMAGE}

    @property
    def served_dtype(self) -> str:
        """Encoded bytes."""
        return "string"

    @property
    def decodes(self) -> bool:
        """The model decodes images."""
        return True

    def network_inputs(self, raw: dict[str, Any]) -> Any:
        """Returns uint8 `[batch, height, width, channels]` of encoded images `[batch]`."""
        from trainer_modules.engine.images import preprocessing

        return preprocessing.load_images(raw[IMAGE], self)

    def generated(self, count: int) -> dict[str, bytes]:
        """Returns images of coloured noise.

        Sizes vary, JPEG and PNG alternate, and every fourth image is grey.
        """
        import tensorflow as tf

        chosen: dict[str, bytes] = {}
        for i in range(count):
            size = (64 + 16 * i, 256 - 8 * i % 128, 1 if i % 4 == 3 else 3)
            noise = tf.random.stateless_uniform((5, 7, size[2]), seed=(i, 0), maxval=255.0)
            pixels = tf.cast(tf.image.resize(noise, size[:2]), tf.uint8)
            encode, ending = (tf.io.encode_jpeg, "jpg") if i % 2 else (tf.io.encode_png, "png")
            name = f"generated-{i}.{ending}"
            values = {IMAGE: encode(pixels).numpy(), "id": name.encode()}
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            chosen[name] = example.SerializeToString()
        return chosen

    @property
    def pictured(self) -> bool:
        """Images are there to be seen."""
        return True

    @property
    def shown(self) -> tuple[tuple[float, ...], ...]:
        """There are no rows."""
        return ()
