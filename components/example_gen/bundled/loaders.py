"""Data sets of scikit-learn or Keras, written once in a layout that the readers support."""

import csv
import hashlib
import io
import json
import logging
import math
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from components.example_gen.bundled import keras_files
from components.example_gen.readers import storage
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import Bundled, Table, TFRecords

# Split → (inputs, labels or targets, position of each in the loader's own order).
Splits = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]

_DONE = "about.json"
_SHARD = 10_000


def materialise(bundled: Bundled, folder: Path, *, files: Path | None = None) -> Path:
    """Writes a bundled data set in its `stored` layout, unless it already exists.

    Images become PNGs in TFRecord shards `<split>-00000-of-0000n` with the keys that `stored`
    names, the label as an index; tables become one CSV.

    Args:
      bundled: What to write, and how.
      folder: The destination; it is written completely or not at all.
      files: A folder with the data set's own files; None to ask the library.

    Returns:
      `folder`.

    Raises:
      BadInputError: If the loader is unknown or its data is not available.
    """
    if (folder / _DONE).exists():
        return folder
    splits = _load(bundled, files)
    log = logging.getLogger("tfx_vision")
    log.info("Writing %s to %s, once", bundled.loader, folder)
    temporary = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}")
    temporary.mkdir(parents=True)
    try:
        write = _write_table if isinstance(bundled.stored, Table) else _write_shards
        write(splits, bundled, temporary)
        about = {"loader": bundled.loader, "counts": {s: len(v[0]) for s, v in splits.items()}}
        (temporary / _DONE).write_text(json.dumps(about, indent=1))
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / _DONE).exists():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def stored_under(bundled: Bundled, run_root: str, *, files: Path | None = None) -> str:
    """Returns the folder under a run root that holds a bundled data set, written if need be.

    Args:
      bundled: The data set.
      run_root: A folder or `gs://…`.
      files: As in `materialise`.
    """
    text = overrides.to_json(bundled)
    if files is not None:
        text += "".join(f"{e.relative}{e.size}{e.modified}" for e in storage.files(str(files)))
    name = bundled.loader.partition(":")[2]
    tag = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    folder = storage.join(run_root, "data", f"{name}-{tag}")
    if not storage.is_remote(folder):
        return str(materialise(bundled, Path(folder).absolute(), files=files))
    if not storage.exists(storage.join(folder, _DONE)):
        with tempfile.TemporaryDirectory() as local:
            _upload(materialise(bundled, Path(local) / name, files=files), folder)
    return folder


def has_files(bundled: Bundled, folder: str) -> bool:
    """Says whether `folder` holds the data set's own files, as Keras names them."""
    library, _, name = bundled.loader.partition(":")
    if library != "keras" or storage.is_remote(folder) or not os.path.isdir(folder):
        return False
    return keras_files.from_folder(name, Path(folder)) is not None


def _upload(local: Path, folder: str) -> None:
    import tensorflow as tf

    tf.io.gfile.makedirs(folder)
    # The file that marks the data as complete is written last.
    for path in sorted(local.iterdir(), key=lambda p: p.name == _DONE):
        tf.io.gfile.copy(str(path), storage.join(folder, path.name), overwrite=True)


def _load(bundled: Bundled, files: Path | None) -> Splits:
    library, _, name = bundled.loader.partition(":")
    if bundled.loader == "sklearn:load_digits":
        return _digits(bundled)
    if library != "keras":
        raise BadInputError(
            "source.loader must be sklearn:load_digits or keras:<data set>. Received: "
            f"{bundled.loader!r}"
        )
    arrays = keras_files.from_folder(name, files) if files else keras_files.from_keras(name)
    if arrays is None:
        raise BadInputError(f"{files} does not contain {keras_files.needed(name)}.")
    (x, y), (x_test, y_test) = arrays
    y, y_test = y.reshape(-1), y_test.reshape(-1)
    # Keras' validation_split cuts there, too.
    cut = math.floor(len(x) * (1 - bundled.eval_tail_fraction))
    test = (x_test, y_test, np.arange(len(x_test)))
    order = np.arange(len(x))
    if cut == len(x):
        return {"train": (x, y, order), "eval": test}
    held_out = (x[cut:], y[cut:], order[cut:])
    return {"train": (x[:cut], y[:cut], order[:cut]), "eval": held_out, "test": test}


def _digits(bundled: Bundled) -> Splits:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    # The values are counts 0..16 of set pixels in 4 × 4 blocks.
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    parts = train_test_split(
        images,
        digits.target,
        np.arange(len(images)),
        test_size=bundled.eval_fraction,
        random_state=bundled.seed,
    )
    return {"train": tuple(parts[0::2]), "eval": tuple(parts[1::2])}


def _write_shards(splits: Splits, bundled: Bundled, folder: Path) -> None:
    import tensorflow as tf

    stored = bundled.stored
    assert isinstance(stored, TFRecords)
    for split, (images, labels, positions) in splits.items():
        pattern = getattr(stored, split) or f"{split}-*"
        if pattern.count("*") != 1 or "/" in pattern or "?" in pattern or "[" in pattern:
            raise BadInputError(
                f"source.stored.{split} must contain exactly one '*', for example '{split}-*'. "
                f"Received: {pattern!r}"
            )
        shards = max(1, math.ceil(len(images) / _SHARD))
        for shard in range(shards):
            name = pattern.replace("*", f"{shard:05d}-of-{shards:05d}")
            chosen = slice(shard * len(images) // shards, (shard + 1) * len(images) // shards)
            with tf.io.TFRecordWriter(str(folder / name)) as writer:
                for image, label, at in zip(
                    images[chosen], labels[chosen], positions[chosen], strict=True
                ):
                    example = tf.train.Example()
                    feature = example.features.feature
                    feature[stored.image].bytes_list.value.append(_png(image))
                    feature[stored.label].int64_list.value.append(int(label))
                    if stored.id:
                        prefix = "test" if split == "test" else bundled.loader.partition(":")[2]
                        feature[stored.id].bytes_list.value.append(f"{prefix}/{at:05d}".encode())
                    writer.write(example.SerializeToString(deterministic=True))


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _write_table(splits: Splits, bundled: Bundled, folder: Path) -> None:
    """Writes one CSV; a hash splits the loader's train part, unless its end becomes `eval`."""
    stored = bundled.stored
    assert isinstance(stored, Table)
    columns = keras_files.BOSTON_COLUMNS
    with (folder / stored.file).open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f)
        writer.writerow([*columns, "split"])
        writer.writerows(_rows(splits, by_hash=not bundled.eval_tail_fraction))


def _rows(splits: Splits, *, by_hash: bool) -> Iterator[list[object]]:
    for split, (inputs, targets, _) in splits.items():
        said = split
        if by_hash:
            said = "" if split == "train" else "test"
        for row, target in zip(inputs, targets, strict=True):
            yield [*(f"{v:.9g}" for v in row), f"{target:.9g}", said]
