"""MNIST digits, 28 × 28 pixels: two published dense networks.

All 60,000 training images train, as published, and the 10,000 test images are the split `eval`:
they validate while training and judge in the end. Nothing is chosen by them, as the last epoch is
what is exported; with `train.best_metric` set, hold out the end of the training images instead:
`--set source.eval_tail_fraction=0.1666`. A minute or two of training on a laptop.

The default (407,050 parameters): one layer of 512 units, Adam at Keras' rate of 0.001, batches of
200, 5 epochs of 300 steps, 50 steps to a call; no figure is published, 0.98 is usual.
Variant b (118,282 parameters): two layers of 128 units, RMSprop at Keras' rate of 0.001, batches of
64, 21 epochs, integer labels; published validation accuracy 0.978.

One thing differs: the published default repeats the data and counts 300 steps to an epoch, here an
epoch is the data once, which is the same 300 steps. With several replicas a batch is that of each.

    python pipelines/run_local.py --task mnist
    python pipelines/run_local.py --task mnist:b --data mnist.npz
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Bundled, Classification, Dense, Flatten, ImageFolders, Images, Network, Optimizer,
    Phase, TFRecords, Task, TensorFlowDatasets, Training, entry_points,
)  # fmt: skip

TASK = Task(
    name="mnist",
    source=Bundled(
        loader="keras:mnist",
        stored=TFRecords(
            train="train-*", eval="eval-*", test="test-*", image="image", label="label", id="id"
        ),
    ),
    alternatives=(TensorFlowDatasets(name="mnist", eval="test"), ImageFolders()),
    problem=Classification(classes=tuple(str(digit) for digit in range(10))),
    input=Images(height=28, width=28, channels=1),
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
