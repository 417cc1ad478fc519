"""Images with a number for each: bring your own list, and predict ages, prices, counts, angles.

A CSV names an image and its number in each row; paths are relative to the CSV. A fifth of the
images is held out by a hash of their content, unless a column of splits is named
(`source.paths.split`). MobileNetV2 at 224 × 224 pixels learns the standardised number: first the
head, then, at a tenth of the rate, the whole network. Images are not mirrored or moved, since that
may change the number (angles, positions): set `train.augment` if it does not.

    python pipelines/run_local.py --task image_number --data faces/labels.csv
    python pipelines/run_local.py --task image_number:records --data shards

Name other columns with `--set source.paths.path=…` and `--set source.paths.label=…` (of records:
`source.image`, `source.label`), and what is predicted with `--set problem.target=age` and
`--set problem.unit=years`.
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    Backbone, BetterThanChance, Dropout, Everything, GlobalAveragePool, HeadOnly, Images,
    LabelledPaths, NoWorse, Optimizer, PathTable, Phase, Regression, Submission, Task, TFRecords,
    Training, entry_points,
)  # fmt: skip

TASK = Task(
    name="image_number",
    source=PathTable(paths=LabelledPaths(csv="labels.csv", path="image", label="number")),
    problem=Regression(target="number", standardise_target=True),
    input=Images(height=224, width=224),
    model=Backbone(name="MobileNetV2", head=(GlobalAveragePool(), Dropout(0.2))),
    phases=(
        Phase(epochs=5, learning_rate=1e-3, trainable=HeadOnly()),
        Phase(epochs=5, learning_rate=1e-4, trainable=Everything()),
    ),
    train=Training(
        batch_size=32, shuffle=2000, optimizer=Optimizer(name="adam"), best_metric="val_loss"
    ),
    # R² has no unit: one margin for ages and prices.
    gates=(BetterThanChance(), NoWorse("r2", tolerance=0.02)),
    submission=Submission(label_column="number", label="value"),
)

VARIANTS = {
    "records": replace(TASK, name="image_number-records", source=TFRecords(label="number")),
}

preprocessing_fn, run_fn = entry_points(TASK)
