"""Training the default task here against plain `model.fit` on arrays: seconds, side by side.

    python benchmarks/digits_training.py

Both train the same network on the same 1,203 images for 60 epochs of batch 64, validated on the
other 594 after each; imports are counted in neither. This side also reads the TFRecords, writes
TensorBoard logs and drops the last incomplete batch.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

import trainer_modules  # noqa: F401  (chooses tf_keras before TensorFlow is imported)
from trainer_modules.digits import TASK
from trainer_modules.engine.networks import models
from trainer_modules.engine.training import training


def main() -> None:
    """Prints both times and their ratio."""
    import tf_keras
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pixels = (digits.images * 255 / 16).round().astype(np.uint8)[..., np.newaxis]
    split = train_test_split(pixels, digits.target, test_size=0.33, random_state=0)
    x_train, x_eval, y_train, y_eval = split

    # Both pay for TensorFlow's first function and kernels before the clock starts.
    warm = tf_keras.Sequential([tf_keras.layers.Dense(1)])
    warm.compile(loss="mse")
    warm.fit(np.zeros((8, 1)), np.zeros((8, 1)), verbose=0)

    with tempfile.TemporaryDirectory() as folder:
        files = [write(Path(folder) / "train", x_train, y_train)]
        eval_files = [write(Path(folder) / "eval", x_eval, y_eval)]
        start = time.perf_counter()
        trained = training.train(
            TASK,
            train_files=files,
            eval_files=eval_files,
            model_dir=folder,
            log_dir=f"{folder}/logs",
        )
        ours = time.perf_counter() - start

    start = time.perf_counter()
    model = models.build(TASK).model
    model.compile(
        optimizer=tf_keras.optimizers.Adam(1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=TASK.problem.training_metrics(),
    )
    settings = {"batch_size": 64, "epochs": 60, "verbose": 0}
    plain = model.fit(x_train, y_train, validation_data=(x_eval, y_eval), **settings)
    theirs = time.perf_counter() - start

    last = trained.history["epochs"][-1]
    print(f"plain fit on arrays  {theirs:6.2f} s  {plain.history['val_accuracy'][-1]:.4f}")
    print(f"engine.training      {ours:6.2f} s  {last['val_accuracy']:.4f}")
    print(f"ratio                {ours / theirs:6.2f}")


def write(path: Path, images: np.ndarray, labels: np.ndarray) -> str:
    """Writes transformed Examples and returns the path."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image, label in zip(images, labels, strict=True):
            png = tf.train.BytesList(value=[tf.io.encode_png(image).numpy()])
            index = tf.train.Int64List(value=[int(label)])
            features = {
                "image": tf.train.Feature(bytes_list=png),
                "label": tf.train.Feature(int64_list=index),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return str(path)


if __name__ == "__main__":
    main()
