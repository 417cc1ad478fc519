"""Cassava leaf diseases, 5 classes at 512 × 512 pixels: a frozen ResNet50 and a small head.

TFRecord shards (`ld_train00-1338.tfrec` …, features `image` and `target`; test shards carry
`image_name` and no label), 35 % of the shards held out by a shuffle with seed 5. Batches of 16
(8 on a TPU) per replica, Adam with epsilon 1e-3 and 1e-5 decaying by 0.9 every 10,000 steps,
mirrored images, 25 epochs. The published recipe reaches 0.63 in validation, with inputs scaled
twice; here they are scaled once, as ResNet50 wants them.

    python pipelines/run_local.py --task cassava --data cassava --weights imagenet
"""

from trainer_modules.engine.entry import entry_points
from trainer_modules.engine.gates import AtLeast
from trainer_modules.engine.layers import Dense, GlobalAveragePool
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.schedules import Exponential
from trainer_modules.engine.sources import TFRecords
from trainer_modules.engine.task import (
    Augment,
    Backbone,
    HeadOnly,
    Image,
    Optimizer,
    Phase,
    Task,
    Training,
)

TASK = Task(
    name="cassava",
    source=TFRecords(
        train="*train*.tfrec",
        unlabelled="*test*.tfrec",
        image="image",
        label="target",
        id="image_name",
        eval_fraction=0.35,
        eval_shards="seeded",
        seed=5,
    ),
    problem=Classification(
        classes=(
            "Cassava Bacterial Blight (CBB)",
            "Cassava Brown Streak Disease (CBSD)",
            "Cassava Green Mottle (CGM)",
            "Cassava Mosaic Disease (CMD)",
            "Healthy",
        )
    ),
    image=Image(height=512, width=512),
    model=Backbone(name="ResNet50", head=(GlobalAveragePool(), Dense(8, "relu"))),
    phases=(
        Phase(
            epochs=25,
            learning_rate=Exponential(initial=1e-5, steps=10_000, rate=0.9),
            trainable=HeadOnly(),
        ),
    ),
    train=Training(
        batch_size=16,
        shuffle=2048,
        optimizer=Optimizer(name="adam", epsilon=1e-3),
        augment=Augment(flip=True),
    ),
    gates=(AtLeast("accuracy", 0.6),),
)

preprocessing_fn, run_fn = entry_points(TASK)
