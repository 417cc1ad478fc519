"""Names and limits of the networks of `keras.applications`, available without TensorFlow.

`tests/trainer_modules/engine/networks/test_backbone_limits.py` compares them with the library.
"""

NAMES = tuple(
    sorted(
        f"{family}{size}"
        for family, sizes in {
            "ConvNeXt": "Tiny Small Base Large XLarge",
            "DenseNet": "121 169 201",
            "EfficientNet": "B0 B1 B2 B3 B4 B5 B6 B7 V2B0 V2B1 V2B2 V2B3 V2S V2M V2L",
            "Inception": "V3 ResNetV2",
            "NASNet": "Mobile Large",
            "RegNetX": "002 004 006 008 016 032 040 064 080 120 160 320",
            "RegNetY": "002 004 006 008 016 032 040 064 080 120 160 320",
            "ResNet": "50 101 152 50V2 101V2 152V2",
            "ResNetRS": "50 101 152 200 270 350 420",
            "VGG": "16 19",
        }.items()
        for size in sizes.split()
    )
    + ["MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small", "Xception"]
)

_SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}


def smallest_image(name: str) -> int:
    """Returns the height and width in pixels below which the network `name` cannot be built."""
    return _SMALLEST.get(name, 32)


def takes_alpha(name: str) -> bool:
    """Says whether the network `name` has a width multiplier."""
    return name.startswith("MobileNet")
