"""Cars and trucks, 128 × 128 pixels: a frozen VGG16 under six dense units and one sigmoid.

`train/{Car,Truck}` and `valid/{Car,Truck}`, 5,117 and 5,051 images, resized by nearest neighbour.
Two systems are published, a tutorial and the exercise after it. Both: a frozen pretrained base,
Flatten, 6 units with relu, 1 sigmoid; binary cross-entropy, batches of 64, 30 epochs, rate 0.001,
seed 31415, deterministic operations. Their own:

| | base | optimiser |
|---|---|---|
| the default, the tutorial's | VGG16 (14,763,853 parameters with the head) | Adam, Keras' epsilon |
| variant `inception`, the exercise's | InceptionV1 | Adam with epsilon 0.01 |

Only learning curves are published; the tutorial's VGG16 overfits. Deviations: `keras.applications`
has no InceptionV1, so the variant takes InceptionV3 (21,851,949 parameters), or a SavedModel of
one's own with `--weights DIR`. Both published bases were fed images in 0..1, whatever they had been
trained on; here each is fed what its `preprocess_input` gives. Not trained on the published images
by this project.

    python pipelines/run_local.py --task car_or_truck --data car-or-truck --weights imagenet
    python pipelines/run_local.py --task car_or_truck:inception --data car-or-truck
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Backbone, BetterThanChance, Binary, Dense, Flatten, HeadOnly, ImageFolders, Images,
    Optimizer, Phase, Task, Training, entry_points,
)  # fmt: skip

TASK = Task(
    name="car_or_truck",
    source=ImageFolders(train="train", eval="valid"),
    problem=Binary(classes=("Car", "Truck")),
    input=Images(height=128, width=128, resize="nearest"),
    model=Backbone(name="VGG16", head=(Flatten(), Dense(6, "relu"))),
    phases=(Phase(epochs=30, learning_rate=1e-3, trainable=HeadOnly()),),
    train=Training(
        batch_size=64,
        shuffle=2000,
        seed=31415,
        deterministic=True,
        optimizer=Optimizer(name="adam"),
    ),
    gates=(AtLeast("accuracy", 0.8), BetterThanChance()),
)

VARIANTS = {
    "inception": replace(
        TASK,
        name="car_or_truck-inception",
        model=Backbone(name="InceptionV3", head=(Flatten(), Dense(6, "relu"))),
        train=replace(TASK.train, optimizer=Optimizer(name="adam", epsilon=0.01)),
    )
}

preprocessing_fn, run_fn = entry_points(TASK)
