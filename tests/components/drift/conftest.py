"""A real network of real digits: the champion, its data, and nights of digits it has not seen."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter, ImageOps

from tests.components.drift import nights

Change = Callable[[Image.Image], Image.Image]
CHANGES: dict[str, Change] = {
    "inverted": ImageOps.invert,
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "of another camera": lambda image: image.resize((12, 10)),
}


@dataclass(frozen=True)
class Digits:
    """Digits as a run has them.

    Attributes:
      champion: A Model artifact: a network that has learnt the first 900 digits.
      images: All 1,797, in an order that mixes writers.
      labels: Their labels.
      write: Writes Examples and records of images; returns both artifacts.
    """

    champion: Any
    images: list[Image.Image]
    labels: list[str]
    write: Callable[..., tuple[Any, Any]]

    def rows(self, span: str, some: range, change: Change | None = None) -> list[tuple[Any, ...]]:
        """Returns (id, span, label, image) of digits, every second one changed."""
        return [
            (
                f"{span}/{i}.png",
                span,
                self.labels[i],
                change(self.images[i]) if change and i % 2 else self.images[i],
            )
            for i in some
        ]


@pytest.fixture(scope="package")
def digits(
    tfx_ready: None, write_examples: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Digits:
    import tf_keras
    from sklearn.datasets import load_digits
    from tfx.types import standard_artifacts

    from trainer_modules import digits as task
    from trainer_modules.engine.networks import models
    from trainer_modules.engine.saved_model import write as serving

    loaded = load_digits()
    order = np.random.default_rng(0).permutation(len(loaded.target))
    pixels = np.uint8(loaded.images * (255 / 16))[order]
    labels = loaded.target[order]
    tf_keras.utils.set_random_seed(1)
    network = models.build(task.TASK).model
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(pixels[:900, ..., None], labels[:900], epochs=15, batch_size=64, verbose=0)
    folder = tmp_path_factory.mktemp("champion")
    serving.save(network, task.TASK, str(folder / "Format-Serving"))
    champion = standard_artifacts.Model()
    champion.uri = str(folder)

    def write(folder: Path, rows: Sequence[tuple[Any, ...]]) -> tuple[Any, Any]:
        return _written(folder, rows, write_examples)

    images = [Image.fromarray(image) for image in pixels]
    return Digits(champion, images, [str(label) for label in labels], write)


def _written(
    folder: Path, rows: Sequence[tuple[Any, ...]], write_examples: Callable[..., Any]
) -> tuple[Any, Any]:
    from components.example_gen import checking
    from components.example_gen.artifacts import RejectedExamples

    by_split: dict[str, list[dict[str, Any]]] = {"train": [], "eval": []}
    records = []
    for i, (name, span, label, image) in enumerate(rows):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        content = buffer.getvalue()
        measured = checking.measure(content)
        assert not isinstance(measured, str)
        split = "eval" if i % 5 == 0 else "train"
        by_split[split].append({"id": name.encode(), "image": content, "label": label.encode()})
        records.append(
            {
                **{"id": name, "span": span, "split": split, "label": label},
                "digest": hashlib.sha256(content).hexdigest(),
                "shard": "data-00000-of-00001",
                **{key: getattr(measured, key) for key in ("height", "width", "channels")},
                **{"format": measured.format, "brightness": measured.brightness},
            }
        )
    rejected = RejectedExamples()
    rejected.uri = nights.write(folder / "rejected", pd.DataFrame(records))
    return write_examples(folder / "examples", by_split), rejected
