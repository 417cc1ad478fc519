"""Fashion-MNIST, 28 × 28 pixels: a convolutional network with batch normalisation.

The published network of 1,619,470 parameters: raw values 0..255 enter the first
BatchNormalization, and one more stands between each two of the three blocks. Adam at 0.001, 17
epochs of 60 steps, one validation at the end; 60 steps are all 60,000 images in batches of 1,000.
The 10,000 test images validate and judge. Over an hour on two CPU cores; `docs/results.md` has a
shorter run. Small networks of this kind reach 0.92 to 0.93. No deviation.

    python pipelines/run_local.py --task fashion_mnist
"""

from trainer_modules.api import (  # isort: skip
    AtLeast, BatchNorm, Bundled, Classification, Conv, Dense, Dropout, Flatten, ImageFolders,
    Images, Layer, MaxPool, Network, Optimizer, Phase, TFRecords, Task, Training, entry_points,
)  # fmt: skip


def _block(filters: int) -> tuple[Layer, ...]:
    return (Conv(filters, 5, "elu", "same"), MaxPool(2), Dropout(0.25))


TASK = Task(
    name="fashion_mnist",
    source=Bundled(
        loader="keras:fashion_mnist",
        stored=TFRecords(
            train="train-*", eval="eval-*", test="test-*", image="image", label="label", id="id"
        ),
    ),
    alternatives=(ImageFolders(),),
    problem=Classification(
        classes=(
            "t_shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle_boots",
        )
    ),
    input=Images(height=28, width=28, channels=1, scaling="none"),
    model=Network(
        layers=(
            *(BatchNorm(), *_block(64)),
            *(BatchNorm(), *_block(128)),
            *(BatchNorm(), *_block(256)),
            Flatten(),
            Dense(256, "elu"),
            Dropout(0.5),
        )
    ),
    phases=(Phase(epochs=17, learning_rate=1e-3, steps_per_epoch=60, validation_freq=17),),
    train=Training(batch_size=1000, shuffle=10_000, optimizer=Optimizer(name="adam")),
    gates=(AtLeast("accuracy", 0.91), AtLeast("recall", 0.65, each_class=True)),
)

preprocessing_fn, run_fn = entry_points(TASK)
