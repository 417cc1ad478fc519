"""Any folder of class folders: bring your own images.

The classes are the folders' names, with or without train, valid and test folders above them;
without, a fifth of the images is held out by a hash of their content. MobileNetV2 at 224 × 224
pixels: first the head, then, at a tenth of the rate, the whole network.

    python pipelines/run_local.py --task image_folder --data photos
"""

from trainer_modules.api import (  # isort: skip
    Augment, Backbone, BetterThanChance, Classification, Dropout, Everything, GlobalAveragePool,
    HeadOnly, ImageFolders, Images, NoWorse, Optimizer, Phase, Task, Training, entry_points,
)  # fmt: skip

TASK = Task(
    name="image_folder",
    source=ImageFolders(),
    problem=Classification(),
    input=Images(height=224, width=224),
    model=Backbone(name="MobileNetV2", head=(GlobalAveragePool(), Dropout(0.2))),
    phases=(
        Phase(epochs=5, learning_rate=1e-3, trainable=HeadOnly()),
        Phase(epochs=5, learning_rate=1e-4, trainable=Everything()),
    ),
    train=Training(
        batch_size=32,
        shuffle=2000,
        optimizer=Optimizer(name="adam"),
        augment=Augment(flip=True),
        best_metric="val_loss",
    ),
    gates=(
        BetterThanChance(),
        NoWorse("accuracy", tolerance=0.01),
        NoWorse("recall", tolerance=0.1, each_class=True),
    ),
)

preprocessing_fn, run_fn = entry_points(TASK)
