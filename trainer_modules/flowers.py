"""Five kinds of flowers, photographs at 192 × 192 pixels: a small convolutional network.

TFRecord shards (`flowers00-230.tfrec` …, features `image` and `class`), the first 19 % of the
shards (3 of 16) held out, or class folders. 6,797,509 parameters, Adam at Keras' rate of 0.001,
batches of 64, 9 epochs, mirrored and with random saturation of 0 to 2. No figure is published for
this network; transfer learning elsewhere reaches 0.887, and variant `transfer`, this project's own
recipe, does it with a small MobileNetV2. The published network is as it was; images are stored as
JPEG after resizing, not read anew from the shards in each epoch.

    python pipelines/run_local.py --task flowers --data flower_photos
    python pipelines/run_local.py --task flowers:transfer --data flower_photos --weights imagenet
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Augment, Backbone, Classification, Conv, Cosine, Dense, Dropout, Everything, Flatten,
    GlobalAveragePool, HeadOnly, ImageFolders, Images, MaxPool, Network, Optimizer, Phase,
    TFRecords, Task, Training, entry_points,
)  # fmt: skip

TASK = Task(
    name="flowers",
    source=TFRecords(train="flowers*.tfrec", image="image", label="class", eval_fraction=0.19),
    alternatives=(ImageFolders(),),
    problem=Classification(classes=("daisy", "dandelion", "roses", "sunflowers", "tulips")),
    input=Images(height=192, width=192),
    model=Network(
        layers=(
            *(Conv(32), MaxPool(2)),
            *(Conv(64), MaxPool(2)),
            *(Conv(128), MaxPool(2)),
            *(Conv(128), MaxPool(2)),
            Flatten(),
            Dense(512, "relu"),
        )
    ),
    phases=(Phase(epochs=9, learning_rate=1e-3),),
    train=Training(
        batch_size=64,
        shuffle=3000,
        optimizer=Optimizer(name="adam"),
        augment=Augment(flip=True, saturation=(0.0, 2.0)),
    ),
    gates=(AtLeast("accuracy", 0.6),),
)

VARIANTS = {
    # Head first, then the whole of a small pretrained network.
    "transfer": replace(
        TASK,
        name="flowers-transfer",
        model=Backbone(name="MobileNetV2", alpha=0.35, head=(GlobalAveragePool(), Dropout(0.2))),
        phases=(
            Phase(epochs=8, learning_rate=1e-3, trainable=HeadOnly()),
            Phase(epochs=24, learning_rate=Cosine(peak=3e-4), trainable=Everything()),
        ),
        train=replace(
            TASK.train,
            batch_size=32,
            label_smoothing=0.1,
            augment=Augment(flip=True, zoom=0.2, brightness=0.1, contrast=0.2),
        ),
        gates=(AtLeast("accuracy", 0.8), AtLeast("recall", 0.6, each_class=True)),
    )
}

preprocessing_fn, run_fn = entry_points(TASK)
