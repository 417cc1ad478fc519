"""Images with any number of labels each: bring your own list, and tag photographs.

A CSV names an image and its labels in each row (`img/1.jpg,cat|indoors`; an empty cell is an image
without any of them); paths are relative to the CSV. Without a CSV, class folders are read, where a
copy of a picture lies in the folder of each of its labels. In the variant `columns`, each class has
a column of 0 and 1 in the CSV; in `records`, TFRecords hold lists of names or indices. The classes
are the names that the data has, except in records.

A hash of the content holds out 15 % of the images to validate on, where the threshold of each label
is chosen after the training, and 15 % to judge the result on (`source.splits`), unless a column
(`source.paths.split`) or folders say otherwise. MobileNetV2 at 224 × 224 pixels: first the head,
then, at a tenth of the rate, the whole network.

    python pipelines/run_local.py --task image_labels --data photos/labels.csv
    python pipelines/run_local.py --task image_labels:columns --data photos/labels.csv
    python pipelines/run_local.py --task image_labels:records --data shards \
        --set "problem.classes=('cat', 'dog')"
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    Augment, Backbone, BetterThanChance, Dropout, Everything, GlobalAveragePool,
    HashSplit, HeadOnly, ImageFolders, Images, LabelledPaths, MultiLabel, NoWorse, Optimizer,
    PathTable, Phase, Submission, Task, TFRecords, Training, entry_points,
)  # fmt: skip

_SPLITS = HashSplit(eval=0.15, test=0.15)
_PATHS = LabelledPaths(csv="labels.csv", path="image", label="labels")

TASK = Task(
    name="image_labels",
    source=PathTable(paths=_PATHS, splits=_SPLITS),
    alternatives=(ImageFolders(splits=_SPLITS),),
    problem=MultiLabel(),
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
        NoWorse("mean_average_precision", tolerance=0.01),
        NoWorse("average_precision", tolerance=0.1, each_class=True),
    ),
    submission=Submission(label_column="labels"),
)

VARIANTS = {
    "columns": replace(
        TASK,
        name="image_labels-columns",
        source=PathTable(paths=replace(_PATHS, label="*"), splits=_SPLITS),
        alternatives=(),
    ),
    "records": replace(
        TASK,
        name="image_labels-records",
        source=TFRecords(train="train*", eval="eval*", test="test*"),
        alternatives=(),
    ),
}

preprocessing_fn, run_fn = entry_points(TASK)
