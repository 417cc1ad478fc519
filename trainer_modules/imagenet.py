"""ImageNet's 1,000 classes as they come: published networks, exported without training.

ResNet50 (or a variant: VGG16, InceptionV3 at 299 × 299 pixels, MobileNetV2) from
`keras.applications` with its classifier, its own scaling inside, and the names and WordNet ids
that `decode_predictions` shows. Published top-1 accuracy, one crop: ResNet50 0.749, VGG16 0.713,
InceptionV3 0.779, MobileNetV2 0.713.

Images are optional. With `--data`, a folder of photographs at any depth, the serving check uses
some of them; without, it makes its own.

    python pipelines/run_local.py --task imagenet --weights imagenet --data photos
    python pipelines/predict.py --model runs/serving/imagenet --data photos --output found.csv
"""

from dataclasses import replace

from trainer_modules.api import Backbone, ImageFiles, ImageNet, Images, Task, entry_points

TASK = Task(
    name="imagenet",
    source=ImageFiles(),
    problem=ImageNet(),
    # Photographs are many times larger; shrinking them without a low-pass filter causes aliasing.
    input=Images(height=224, width=224, antialias=True),
    model=Backbone(name="ResNet50", include_top=True),
    phases=(),
    gates=(),
)

VARIANTS = {
    "vgg16": replace(TASK, name="imagenet-vgg16", model=Backbone(name="VGG16", include_top=True)),
    "inceptionv3": replace(
        TASK,
        name="imagenet-inceptionv3",
        input=Images(height=299, width=299, antialias=True),
        model=Backbone(name="InceptionV3", include_top=True),
    ),
    "mobilenetv2": replace(
        TASK, name="imagenet-mobilenetv2", model=Backbone(name="MobileNetV2", include_top=True)
    ),
}

preprocessing_fn, run_fn = entry_points(TASK)
