"""The published networks of `keras.applications`, each with its own input scaling.

The expected input (channel means removed, [-1, 1], raw 0..255) differs by family. `scaled` converts
the uint8 images of a model to the expected range with layers of the model, so that the scaling is
part of the SavedModel and is never applied twice.
"""

from typing import Any

from trainer_modules.engine.errors import BadInputError, did_you_mean

FAMILIES: dict[str, str] = {
    "ConvNeXt": "raw",
    "DenseNet": "torch",
    "EfficientNet": "raw",
    "InceptionResNetV2": "tf",
    "InceptionV3": "tf",
    "MobileNet": "tf",
    "MobileNetV3": "raw",
    "NASNet": "tf",
    "RegNet": "raw",
    "ResNet": "caffe",
    "ResNetRS": "raw",
    "VGG": "caffe",
    "Xception": "tf",
}
"""Prefix of the class name → form of its `preprocess_input`; `raw` networks scale themselves."""

RANGES = {
    "unit": "0..1",
    "tf": "-1..1",
    "torch": "standardised with ImageNet's mean and standard deviation",
    "caffe": "BGR minus ImageNet's means",
    "raw": "0..255",
}
"""Form of scaling → description of the network's input."""

_V2_RESNETS = ("ResNet50V2", "ResNet101V2", "ResNet152V2")

# Means and deviations of ImageNet, from keras.applications.imagenet_utils.
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_DEVIATION = (0.229, 0.224, 0.225)


def names() -> list[str]:
    """Returns the class names of every network in `keras.applications`."""
    from tf_keras import applications

    return sorted(n for n in dir(applications) if n[0].isupper() and callable(_get(n)))


def _get(name: str) -> Any:
    from tf_keras import applications

    return getattr(applications, name)


def scaling(name: str) -> str:
    """Returns `tf` ([-1, 1]), `caffe` (BGR minus means), `torch` (standardised) or `raw`."""
    if name in _V2_RESNETS:
        return "tf"
    prefix = max((f for f in FAMILIES if name.startswith(f)), key=len)
    return FAMILIES[prefix]


def scaled(images: Any, name: str, form: str = "auto") -> Any:
    """Returns RGB images 0..255 `[batch, height, width, 3]` as a network expects them, float32.

    Args:
      images: uint8 or float.
      name: Of the network.
      form: `auto` for what the network `name` expects, equal to the `preprocess_input` of its
        module; or another of `task.SCALINGS`.
    """
    import numpy as np
    from tf_keras import layers

    form = scaling(name) if form == "auto" else form
    if form == "caffe":
        offset = [-m for m in _CAFFE_MEAN_BGR]
        return layers.Rescaling(1.0, offset, dtype="float32", name="scaling")(images[..., ::-1])
    if form == "torch":
        deviation = np.array(_TORCH_DEVIATION)
        scale = (1 / 255 / deviation).tolist()
        offset = (-np.array(_TORCH_MEAN) / deviation).tolist()
        return layers.Rescaling(scale, offset, dtype="float32", name="scaling")(images)
    line = {"tf": (1 / 127.5, -1.0), "unit": (1 / 255, 0.0), "raw": (1.0, 0.0)}[form]
    return layers.Rescaling(*line, dtype="float32", name="scaling")(images)


def build(
    name: str,
    *,
    height: int,
    width: int,
    weights: str = "none",
    alpha: float | None = None,
    include_top: bool = False,
) -> Any:
    """Returns the network `name` for images `[batch, height, width, 3]`, scaled as it expects.

    Args:
      name: Class name in `keras.applications`.
      height: Pixels.
      width: Pixels.
      weights: `imagenet`, `none`, or a path (see `weights.load`).
      alpha: Width multiplier, for the MobileNets only.
      include_top: With the published classifier of 1,000 classes, softmax included.

    Raises:
      BadInputError: If the name is unknown, the image too small, `alpha` not supported, or the
        weights missing or of another network.
    """
    if name not in names():
        raise BadInputError(f"model.name {did_you_mean(name, names())}.")
    settings: dict[str, Any] = {"include_top": include_top, "input_shape": (height, width, 3)}
    if alpha is not None:
        if not name.startswith("MobileNet"):
            raise BadInputError(
                f"model.alpha applies only to the MobileNets; {name} has no width multiplier. "
                f"Received: {alpha}"
            )
        settings["alpha"] = alpha
    if include_top:
        settings["classifier_activation"] = "softmax"
    from trainer_modules.engine.networks import frozen_base
    from trainer_modules.engine.networks import weights as stored

    if stored.is_saved_model(weights):
        return frozen_base.load(weights, name=name)
    if weights == "imagenet":
        return stored.download(lambda: _published(name, settings), name)
    base = _construct(name, weights=None, **settings)
    if weights != "none":
        stored.load(base, weights, name=name)
    return base


def _published(name: str, settings: dict[str, Any]) -> Any:
    """Returns the network with published weights, identical to the network for other weights."""
    from tf_keras import mixed_precision

    from trainer_modules.engine.networks import weights as stored

    if not name.startswith("EfficientNetB"):
        return _construct(name, weights="imagenet", **settings)
    # For these weights Keras builds another network, and only in float32.
    policy = mixed_precision.global_policy()
    mixed_precision.set_global_policy("float32")
    try:
        original = _construct(name, weights="imagenet", **settings)
    finally:
        mixed_precision.set_global_policy(policy)
    base = _construct(name, weights=None, **settings)
    base.set_weights(original.get_weights())
    stored.settle_scaling(base, published=True)
    return base


def set_batch_norm_momentum(base: Any, momentum: float) -> None:
    """Gives every BatchNormalization of `base` this momentum.

    Raises:
      BadInputError: If it has none.
    """
    from tf_keras import layers

    norms = [x for x in getattr(base, "layers", ()) if isinstance(x, layers.BatchNormalization)]
    if not norms:
        raise BadInputError(
            f"model.batch_norm_momentum={momentum}: {base.name} has no BatchNormalization layers "
            "to set it for. Leave it out."
        )
    for layer in norms:
        layer.momentum = momentum


def _construct(name: str, **settings: Any) -> Any:
    try:
        return _get(name)(**settings)
    except ValueError as e:
        height, width = settings["input_shape"][:2]
        raise BadInputError(
            f"{name} cannot be built for images of {height} × {width} with "
            f"{', '.join(f'{k}={v}' for k, v in settings.items() if k != 'input_shape')}: {e}"
        ) from e
