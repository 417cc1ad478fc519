"""Images per second into the same model: this input pipeline against Keras' folder reader.

    python benchmarks/input_pipeline.py [--data FOLDER_OF_CLASS_FOLDERS] [--times 1] [--size 160]

Keras' `image_dataset_from_directory` decodes and resizes the original files in each epoch. Here
Transform has stored them once at the model's size (that time is not counted, as one run of it
serves every training); training reads the stored Examples, in the first epoch from disk. Both
feed a convolutional network that takes uint8 images, and, to see the pipeline alone, a model
that does next to nothing. Without `--data`, photographs are made up.
"""

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import trainer_modules  # noqa: F401  (chooses tf_keras before TensorFlow is imported)
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Task, Training
from trainer_modules.engine.training import examples, input_pipeline

BATCH = 32
EPOCHS = 3


def main() -> None:
    """Prints images per second of each epoch, both ways, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of class folders of JPEG files")
    parser.add_argument("--size", type=int, default=160, help="height and width in pixels")
    parser.add_argument(
        "--times", type=int, default=1, help="how often to list each file: a larger data set"
    )
    given = parser.parse_args()
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(given.data) if given.data else made_up(Path(scratch) / "photos")
        if given.times > 1:
            folder = repeated(folder, given.times, Path(scratch) / "repeated")
        files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in (".jpg", ".jpeg"))
        task = _task(folder, given.size)
        shard = store(files, task, Path(scratch) / "train")

        def from_folder() -> Iterable[Any]:
            settings = {"image_size": (given.size, given.size), "batch_size": BATCH}
            with contextlib.redirect_stdout(io.StringIO()):
                data = tf.keras.utils.image_dataset_from_directory(folder, **settings)
            return data.prefetch(tf.data.AUTOTUNE)

        for name, make in (("pipeline alone", _nothing), ("small network", _network)):
            theirs = rate(make, from_folder, len(files))
            memory = rate(make, lambda: ours(task, shard, 2048), len(files))
            disk = rate(make, lambda: ours(task, shard, 0), len(files))
            print(f"\n{name}, {len(files)} images at {given.size} × {given.size}, images/s")
            print(f"{'epoch':>32}  " + "  ".join(f"{e + 1:8d}" for e in range(EPOCHS)))
            for label, rates in (
                ("image_dataset_from_directory", theirs),
                ("input_pipeline, in memory", memory),
                ("input_pipeline, from disk", disk),
            ):
                print(f"{label:>32}  " + "  ".join(f"{r:8.0f}" for r in rates))
            for label, rates in (("ratio, in memory", memory), ("ratio, from disk", disk)):
                ratios = [a / b for a, b in zip(rates, theirs, strict=True)]
                print(f"{label:>32}  " + "  ".join(f"{r:8.2f}" for r in ratios))


def _task(folder: Path, size: int) -> Task:
    classes = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir()))
    return Task(
        name="benchmark",
        source=ImageFolders(),
        problem=Classification(classes=classes),
        input=Images(height=size, width=size, store="jpeg"),
        model=Network(),
        phases=(Phase(epochs=EPOCHS),),
        train=Training(batch_size=BATCH),
    )


def repeated(folder: Path, times: int, into: Path) -> Path:
    """Links each file of the class folders `times` times; returns the new folder."""
    for path in folder.glob("*/*"):
        (into / path.parent.name).mkdir(parents=True, exist_ok=True)
        for i in range(times):
            (into / path.parent.name / f"{i}-{path.name}").symlink_to(path.resolve())
    return into


def made_up(folder: Path, count: int = 600) -> Path:
    """Writes `count` smooth noisy JPEGs of 500 × 375 in two class folders."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    for i in range(count):
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        coarse = rng.uniform(0, 255, (24, 32, 3)).astype(np.float32)
        photo = tf.image.resize(coarse, (375, 500), "bicubic") + rng.normal(0, 8, (375, 500, 3))
        pixels = tf.cast(tf.clip_by_value(photo, 0, 255), tf.uint8)
        path = folder / "ab"[i % 2] / f"{i}.jpg"
        path.write_bytes(tf.io.encode_jpeg(pixels, quality=90).numpy())
    return folder


def store(files: list[Path], task: Task, shard: Path) -> str:
    """Writes the Examples that Transform would write; returns the shard's path."""
    import tensorflow as tf

    from trainer_modules.engine.images.preprocessing import encode_image, load_images

    with tf.io.TFRecordWriter(str(shard)) as writer:
        for path in files:
            (pixels,) = load_images(tf.constant([path.read_bytes()]), task.input)
            jpeg = encode_image(pixels, task.input)
            label = task.problem.names.index(path.parent.name)
            features = {
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[jpeg.numpy()])),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return str(shard)


def ours(task: Task, shard: str, megabytes: int) -> Iterable[Any]:
    """Returns the training stream, from the first look at the shard on."""
    import tensorflow as tf

    shards = examples.measure(task, [shard], "train")
    split, _ = input_pipeline.prepare(task, shards, budget=megabytes * 2**20, split="train")
    strategy = tf.distribute.get_strategy()
    return input_pipeline.training(split, strategy, global_batch=BATCH, start_step=0)


def _nothing(_: int) -> Any:
    import tensorflow as tf

    return tf.function(lambda x, _: tf.reduce_sum(tf.cast(x[:, 0, 0], tf.int32)))


def _network(size: int) -> Any:
    import tf_keras
    from tf_keras import layers

    model = tf_keras.Sequential(
        [
            layers.Rescaling(1 / 255, input_shape=(size, size, 3)),
            layers.Conv2D(8, 3, strides=4, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return lambda x, y: model.train_on_batch(x, y)


def rate(make: Any, data: Any, count: int) -> list[float]:
    """Returns images per second of each epoch; what comes before the first batch is in the first.

    A first batch before the clock starts pays for the model's compilation alone.
    """
    steps = count // BATCH
    first = next(iter(data()))
    step = make(int(first[0].shape[1]))
    step(*first)
    rates, done = [], 0
    start = time.perf_counter()
    stream: Any = data()
    if int(stream.cardinality()) > 0:  # Keras' folder reader ends with the epoch.
        stream = stream.repeat()
    for batch in stream:
        if int(batch[0].shape[0]) < BATCH:
            continue
        step(*batch)
        done += 1
        if done % steps == 0:
            now = time.perf_counter()
            rates.append(steps * BATCH / (now - start))
            start = now
            if len(rates) == EPOCHS:
                return rates
    raise AssertionError("the stream ended early")


if __name__ == "__main__":
    main()
