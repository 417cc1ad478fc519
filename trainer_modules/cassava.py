"""Cassava leaf diseases, 5 classes at 512 × 512 pixels: a frozen ResNet50 and a small head.

TFRecord shards as published: `train_tfrecords/ld_train00-1338.tfrec` … (features `image` and
`target`; 35 % of the shards, drawn with seed 5, validate: 13,380 images train, 8,017 validate) and
`test_tfrecords/ld_test*.tfrec` (`image` and `image_name`, no label). The predictions for the latter
go to `submission.csv` with the class's number, rows like `2216849948.jpg,3`.

Batches of 16 per replica, 128 on the 8 replicas of the published TPU; Adam with epsilon 1e-3, from
1e-5 decaying by 0.9 every 10,000 steps; mirrored images, shuffled by 2,048; 25 epochs of 104 steps
at a batch of 128. The base is frozen and its BatchNormalization runs in inference mode.

Published: validation 0.63, hardly more than the largest class (0.615). The reason is the input: the
images, divided by 255, pass a BatchNormalization with renorm and then ResNet50's
`preprocess_input`, which subtracts means of 104 to 124 from values around 0. Variant `published` is
exactly that network (23,604,170 parameters). The default deviates here and only here: the images
reach `preprocess_input` as 0..255, without that BatchNormalization (23,604,149 parameters). Strong
single models reach 0.88 to 0.90. Neither has been trained on the published images by this project.

    python pipelines/run_local.py --task cassava --data cassava --weights imagenet
    python pipelines/run_local.py --task cassava:published --data cassava --weights imagenet
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Augment, Backbone, BatchNorm, BetterThanChance, Classification, Dense, Exponential,
    GlobalAveragePool, HeadOnly, Images, Optimizer, Phase, Rescale, Submission, TFRecords, Task,
    Training, entry_points,
)  # fmt: skip

_SHARDS = TFRecords(
    train="train_tfrecords/ld_train*.tfrec",
    unlabelled="test_tfrecords/ld_test*.tfrec",
    image="image",
    label="target",
    id="image_name",
    eval_fraction=0.35,
    eval_shards="seeded",
    seed=5,
)

TASK = Task(
    name="cassava",
    source=_SHARDS,
    # The same shards in one folder.
    alternatives=(replace(_SHARDS, train="ld_train*.tfrec", unlabelled="ld_test*.tfrec"),),
    problem=Classification(
        classes=(
            "Cassava Bacterial Blight (CBB)",
            "Cassava Brown Streak Disease (CBSD)",
            "Cassava Green Mottle (CGM)",
            "Cassava Mosaic Disease (CMD)",
            "Healthy",
        )
    ),
    input=Images(height=512, width=512),
    model=Backbone(name="ResNet50", head=(GlobalAveragePool(), Dense(8, "relu"))),
    phases=(
        Phase(
            epochs=25,
            learning_rate=Exponential(initial=1e-5, decay_steps=10_000, decay_rate=0.9),
            trainable=HeadOnly(),
        ),
    ),
    train=Training(
        batch_size=16,
        shuffle=2048,
        optimizer=Optimizer(name="adam", epsilon=1e-3),
        augment=Augment(flip=True),
    ),
    # The largest class alone is 0.615.
    gates=(AtLeast("accuracy", 0.62), BetterThanChance()),
    submission=Submission(id_column="image_id", label_column="label", label="number"),
)

VARIANTS = {
    "published": replace(
        TASK,
        name="cassava-published",
        model=Backbone(
            name="ResNet50",
            stem=(Rescale(1 / 255), BatchNorm(renorm=True)),
            head=(GlobalAveragePool(), Dense(8, "relu")),
        ),
    )
}

preprocessing_fn, run_fn = entry_points(TASK)
