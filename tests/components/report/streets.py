"""A small segmentation with raw examples: grey images whose masks are sky, road or void."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task.sources import ImagesAndMasks
from trainer_modules.engine.task.task import EncoderDecoder, Phase, Task
from trainer_modules.engine.task.task import Images as ImageForm

RED, BLUE = (250, 0, 0), (0, 0, 250)
TASK = Task(
    name="streets",
    source=ImagesAndMasks(),
    problem=Segmentation(classes=("sky", "road"), void=2, colours=(RED, BLUE)),
    input=ImageForm(height=16, width=16),
    model=EncoderDecoder(),
    phases=(Phase(epochs=1),),
)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def shard(path: Path, count: int) -> str:
    import tensorflow as tf

    def feature(value: bytes) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in range(count):
            found = {
                "id": feature(f"{i}.png".encode()),
                "image": feature(png(np.full((16, 16, 3), 100, np.uint8))),
                "mask": feature(png(np.full((16, 16), i % 3, np.uint8))),
            }
            example = tf.train.Example(features=tf.train.Features(feature=found))
            writer.write(example.SerializeToString())
    return str(path)
