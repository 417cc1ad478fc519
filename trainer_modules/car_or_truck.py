"""Cars and trucks, 128 × 128 pixels: a frozen VGG16 under six dense units and one sigmoid.

`train/{Car,Truck}` and `valid/{Car,Truck}`, about 10,000 images, resized by nearest neighbour.
Adam with epsilon 0.01, batches of 64, 30 epochs, seed 31415, deterministic. Only learning curves
are published.

    python pipelines/run_local.py --task car_or_truck --data car-or-truck --weights imagenet
"""

from trainer_modules.engine.entry import entry_points
from trainer_modules.engine.gates import AtLeast
from trainer_modules.engine.layers import Dense, Flatten
from trainer_modules.engine.problems import Binary
from trainer_modules.engine.sources import ImageFolders
from trainer_modules.engine.task import Backbone, HeadOnly, Image, Optimizer, Phase, Task, Training

TASK = Task(
    name="car_or_truck",
    source=ImageFolders(train="train", eval="valid"),
    problem=Binary(classes=("Car", "Truck")),
    image=Image(height=128, width=128, resize="nearest"),
    model=Backbone(name="VGG16", head=(Flatten(), Dense(6, "relu"))),
    phases=(Phase(epochs=30, learning_rate=1e-3, trainable=HeadOnly()),),
    train=Training(
        batch_size=64,
        shuffle=2000,
        seed=31415,
        deterministic=True,
        optimizer=Optimizer(name="adam", epsilon=0.01),
    ),
    gates=(AtLeast("accuracy", 0.8),),
)

preprocessing_fn, run_fn = entry_points(TASK)
