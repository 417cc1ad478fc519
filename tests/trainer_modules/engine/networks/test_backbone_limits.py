"""The table of networks against the library that it is about."""

import pytest

from trainer_modules.engine.networks import backbone_limits, backbones


def test_names_are_those_of_the_library() -> None:
    assert sorted(backbone_limits.NAMES) == backbones.names()


FAMILIES = ("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionV3")
FAMILIES += ("InceptionResNetV2", "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile")
FAMILIES += ("RegNetX002", "ResNet50", "ResNet50V2", "ResNetRS50", "VGG16", "Xception")


@pytest.mark.parametrize("name", FAMILIES)
def test_one_pixel_less_than_the_smallest_is_refused_by_the_library(name: str) -> None:
    from tf_keras import applications

    size = backbone_limits.smallest_image(name) - 1
    with pytest.raises(ValueError, match=r"at least|greater than"):
        getattr(applications, name)(weights=None, include_top=False, input_shape=(size, size, 3))


@pytest.mark.parametrize("name", ["VGG16", "InceptionV3", "Xception", "MobileNetV2"])
def test_the_smallest_size_can_be_built(name: str) -> None:
    size = backbone_limits.smallest_image(name)
    assert backbones.build(name, height=size, width=size).count_params() > 0


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small", "VGG16"])
def test_alpha_is_taken_where_it_is_said_to_be(name: str) -> None:
    import inspect

    from tf_keras import applications

    takes = "alpha" in inspect.signature(getattr(applications, name)).parameters
    assert backbone_limits.takes_alpha(name) == takes
