"""Images with several labels, from folders and from a list to a served model.

The images are real: two or three of scikit-learn's handwritten digits beside each other, and the
labels are the set of these digits, as far as they are below 5; so some images have no label.
"""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from sklearn.datasets import load_digits

QUICK = (
    *("--set", "input.height=8", "--set", "input.width=16", "--set", "input.channels=1"),
    *("--set", 'model=Network(layers=(Flatten(), Dense(128, "relu")))'),
    *("--set", "phases=(Phase(epochs=40, learning_rate=0.002),)"),
    *("--set", "train.augment.flip=false"),
)
CLASSES = ("0", "1", "2", "3", "4")


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pictures uint8 `[count, 8, 16]` of two digits each, and the labels of each."""

    pictures: np.ndarray
    labels: tuple[tuple[str, ...], ...]

    def png(self, i: int, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(self.pictures[i]).save(path)
        return path


def pairs(start: int, stop: int, repeats: int, seed: int) -> Pairs:
    """Pastes digits `start` to `stop` side by side in random pairs, each digit `repeats` times."""
    digits = load_digits()
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(np.arange(start, stop)) for _ in range(2 * repeats)])
    both = order.reshape(-1, 2)
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    pictures = np.concatenate([images[both[:, 0]], images[both[:, 1]]], axis=2)
    names = [{str(n) for n in digits.target[list(pair)]} & set(CLASSES) for pair in both]
    return Pairs(pictures=pictures, labels=tuple(tuple(sorted(n)) for n in names))
