"""A U-Net-like decoder over any encoder of `keras.applications`, at any image size.

The form of Ronneberger et al., "U-Net" (2015), with the skip connections taken where the encoder
halves its features. A step resizes to the exact size of its skip, so that heights like 360, which
cannot be halved repeatedly, need no padding.
"""

import math
from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images.pixels import Pixels
from trainer_modules.engine.task.layers import BatchNorm
from trainer_modules.engine.task.task import EncoderDecoder


def build(images: Any, encoder: Any, model: EncoderDecoder) -> Any:
    """Returns features float `[batch, height, width, filters]` at the size of `images`.

    Args:
      images: Scaled for the encoder, `[batch, height, width, 3]`.
      encoder: What `encoder_of` made.
      model: The decoder's settings.
    """
    from tf_keras import layers

    *skips, deepest = encoder(images)
    features = deepest
    for i, (filters, skip) in enumerate(zip(model.filters, reversed(skips), strict=True)):
        features = _resized(features, skip.shape[1:3], f"up_{i}")
        features = layers.Concatenate(name=f"join_{i}")([features, skip])
        for part in "ab":
            features = layers.Conv2D(
                filters, 3, padding="same", use_bias=False, name=f"decoder_{i}{part}"
            )(features)
            # There are few and small batches of scenes, so the default momentum would lag epochs
            # behind.
            features = BatchNorm(momentum=0.9).build(f"decoder_{i}{part}_norm")(features)
            features = layers.Activation("relu", name=f"decoder_{i}{part}_relu")(features)
    return _resized(features, images.shape[1:3], "up_full")


def _resized(features: Any, size: Any, name: str) -> Any:
    from tf_keras import layers

    height, width = size
    return layers.Resizing(height, width, interpolation="bilinear", name=name)(features)


def encoder_of(base: Any, model: EncoderDecoder, image: Pixels) -> Any:
    """Returns a model images → (skips from shallow to deep, last features) over `base`'s layers.

    Raises:
      BadInputError: If the encoder has fewer halvings than `model.filters` has steps.
    """
    import tf_keras

    if getattr(base, "always_frozen", False):
        raise BadInputError(
            "an EncoderDecoder needs the inner layers of its encoder, which a SavedModel folder "
            "does not expose. Pass a .h5, .weights.h5 or .keras file with --weights."
        )
    skips = _skips(base, image.height)
    steps = len(model.filters)
    if not 1 <= steps <= len(skips):
        raise BadInputError(
            f"model.filters must have 1 to {len(skips)} steps: {model.name} halves images of "
            f"{image.height} × {image.width} that many times before its last stage. Received: "
            f"{steps}"
        )
    return tf_keras.Model(base.input, [*skips[-steps:], base.output], name="encoder")


def _skips(base: Any, height: int) -> list[Any]:
    """Returns the last output at each halving of the image except the deepest, shallow first."""
    from tf_keras import layers

    deepest = base.output.shape[1]
    skips: dict[int, Any] = {}
    for layer in base.layers:
        outputs = layer.output
        padding = isinstance(layer, layers.ZeroPadding2D | layers.InputLayer)
        if padding or isinstance(outputs, list | tuple) or len(outputs.shape) != 4:
            continue
        # Squeeze-and-excitation blocks have features of 1 × 1, which are not a deeper level.
        if outputs.shape[1] is None or outputs.shape[1] <= deepest:
            continue
        halvings = round(math.log2(height / outputs.shape[1]))
        if halvings:
            skips[halvings] = outputs
    return [skips[halvings] for halvings in sorted(skips)]
