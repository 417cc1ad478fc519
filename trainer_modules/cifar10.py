"""CIFAR-10, 32 × 32 pixels: a convolutional network of 669,354 parameters.

RMSprop at Keras' rate of 0.001, batches of 256, 31 epochs; the last 30 % of the 50,000 training
images validate, the 10,000 test images judge. Published: test accuracy 0.783 with dropout;
validation accuracy 0.723 without (variant `plain`, which has as many parameters). No deviation.
Minutes on a GPU, hours on a laptop's CPU.

    python pipelines/run_local.py --task cifar10
    python pipelines/run_local.py --task cifar10:plain
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Bundled, Classification, Conv, Dense, Dropout, Flatten, ImageFolders, Images, Layer,
    MaxPool, Network, Optimizer, Phase, TFRecords, Task, Training, entry_points,
)  # fmt: skip


def _network(dropout: bool) -> Network:
    layers: list[Layer] = []
    for filters in (32, 64, 64):
        convolution = Conv(filters, 3, "relu", "same")
        layers += [convolution, convolution, MaxPool(2)]
        if dropout:
            layers.append(Dropout(0.25))
    layers += [Flatten(), Dense(512, "relu")]
    if dropout:
        layers.append(Dropout(0.5))
    return Network(layers=tuple(layers))


TASK = Task(
    name="cifar10",
    source=Bundled(
        loader="keras:cifar10",
        eval_tail_fraction=0.3,
        stored=TFRecords(
            train="train-*", eval="eval-*", test="test-*", image="image", label="label", id="id"
        ),
    ),
    alternatives=(ImageFolders(),),
    problem=Classification(
        classes=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        )
    ),
    input=Images(height=32, width=32),
    model=_network(dropout=True),
    phases=(Phase(epochs=31, learning_rate=1e-3),),
    train=Training(batch_size=256, shuffle=10_000, optimizer=Optimizer(name="rmsprop")),
    gates=(AtLeast("accuracy", 0.75), AtLeast("recall", 0.5, each_class=True)),
)

VARIANTS = {
    "plain": replace(
        TASK,
        name="cifar10-plain",
        model=_network(dropout=False),
        gates=(AtLeast("accuracy", 0.70),),
    )
}

preprocessing_fn, run_fn = entry_points(TASK)
