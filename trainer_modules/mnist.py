"""MNIST digits, 28 × 28 pixels: two published dense networks.

Variant a (the default): one layer of 512 units, Adam, batches of 200, 5 epochs.
Variant b: two layers of 128 units (118,282 parameters), RMSprop, batches of 64, 21 epochs;
published validation accuracy 0.978.

    python pipelines/run_local.py --task mnist
    python pipelines/run_local.py --task mnist:b --data mnist.npz
"""

from dataclasses import replace

from trainer_modules.engine.entry import entry_points
from trainer_modules.engine.gates import AtLeast
from trainer_modules.engine.layers import Dense, Flatten
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.sources import Bundled, ImageFolders, TFRecords
from trainer_modules.engine.task import Image, Network, Optimizer, Phase, Task, Training

TASK = Task(
    name="mnist",
    source=Bundled(
        loader="keras:mnist",
        last_as_eval=1 / 6,
        stored=TFRecords(
            train="train-*", eval="eval-*", test="test-*", image="image", label="label", id="id"
        ),
    ),
    also=(ImageFolders(),),
    problem=Classification(classes=tuple(str(digit) for digit in range(10))),
    image=Image(height=28, width=28, channels=1),
    model=Network(layers=(Flatten(), Dense(512, "relu"))),
    phases=(Phase(epochs=5, learning_rate=1e-3),),
    train=Training(
        batch_size=200,
        shuffle=10_000,
        steps_per_execution=50,
        optimizer=Optimizer(name="adam"),
    ),
    gates=(AtLeast("accuracy", 0.97), AtLeast("recall", 0.9, each_class=True)),
)

VARIANTS = {
    "b": replace(
        TASK,
        name="mnist-b",
        model=Network(layers=(Flatten(), Dense(128, "relu"), Dense(128, "relu"))),
        phases=(Phase(epochs=21, learning_rate=1e-3),),
        train=Training(batch_size=64, shuffle=10_000, optimizer=Optimizer(name="rmsprop")),
    )
}

preprocessing_fn, run_fn = entry_points(TASK)
