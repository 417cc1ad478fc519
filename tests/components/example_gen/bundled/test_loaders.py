"""Data that libraries carry, written once in a stored layout."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.example_gen import ingest
from components.example_gen.bundled import keras_files
from components.example_gen.bundled import loaders as bundled
from tests.components.example_gen.conftest import parse
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task.sources import Bundled, HashSplit, Table, TFRecords

STORED = TFRecords(train="train-*", eval="eval-*", test="test-*", id="id")
DIGITS = Bundled(loader="sklearn:load_digits", eval_fraction=0.33, stored=STORED)


def rows(folder: Path, split: str) -> list[dict]:
    files = sorted(str(f) for f in folder.glob(f"{split}-*"))
    return [parse(r) for r in tf.data.TFRecordDataset(files).as_numpy_iterator()]


def pixels(row: dict) -> np.ndarray:
    return tf.io.decode_png(row["image"], channels=0).numpy().squeeze()


def test_digits_are_those_of_scikit_learn(tmp_path):
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    folder = bundled.materialise(DIGITS, tmp_path / "digits")
    digits = load_digits()
    truth = train_test_split(digits.images, digits.target, test_size=0.33, random_state=0)
    for split, images, labels in (("train", truth[0], truth[2]), ("eval", truth[1], truth[3])):
        found = rows(folder, split)
        assert [r["label"] for r in found] == labels.tolist()
        decoded = np.stack([pixels(r) for r in found])
        np.testing.assert_array_equal(decoded, np.round(images * 255 / 16))
    assert len({r["id"] for r in rows(folder, "train")}) == 1203


def test_it_is_written_once_and_other_settings_elsewhere(tmp_path, caplog):
    caplog.set_level("INFO", "tfx_vision")
    first = bundled.stored_under(DIGITS, str(tmp_path))
    assert "Writing sklearn:load_digits" in caplog.text
    times = {p: p.stat().st_mtime_ns for p in Path(first).iterdir()}
    assert bundled.stored_under(DIGITS, str(tmp_path)) == first
    assert times == {p: p.stat().st_mtime_ns for p in Path(first).iterdir()}
    other = Bundled(loader="sklearn:load_digits", eval_fraction=0.5, stored=STORED)
    assert bundled.stored_under(other, str(tmp_path)) != first


def test_a_run_root_in_a_bucket(tmp_path):
    folder = bundled.stored_under(DIGITS, "ram://runs")
    assert folder.startswith("ram://runs/data/load_digits-")
    assert "about.json" in tf.io.gfile.listdir(folder)


def test_nothing_is_left_of_a_write_that_fails(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(bundled, "_png", fail)
    with pytest.raises(OSError, match="disk full"):
        bundled.materialise(DIGITS, tmp_path / "digits")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_under_data(tiny_mnist, tmp_path, name):
    source = Bundled(loader=f"keras:{name}", eval_tail_fraction=1 / 6, stored=STORED)
    folder, stored = ingest.resolve(source, str(tiny_mnist), str(tmp_path / "runs"))
    assert stored == STORED
    found = {s: rows(Path(folder), s) for s in ("train", "eval", "test")}
    assert {s: [r["label"] for r in f] for s, f in found.items()} == {
        "train": list(range(10)),
        "eval": [0, 1],
        "test": [0, 1, 2, 3],
    }
    contents = gzip.decompress((tiny_mnist / "train-images-idx3-ubyte.gz").read_bytes())
    truth = np.frombuffer(contents[16:], np.uint8).reshape(12, 28, 28)
    np.testing.assert_array_equal(pixels(found["train"][3]), truth[3])


def test_boston_housing_becomes_a_table_with_its_test_rows(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "boston_housing.npz", x=rng.random((20, 13)), y=rng.random(20))
    stored = Table(file="boston_housing.csv", splits=HashSplit(eval=0.3))
    source = Bundled(loader="keras:boston_housing", stored=stored)
    folder, found = ingest.resolve(source, str(tmp_path), str(tmp_path / "runs"))
    assert found == stored
    lines = (Path(folder) / "boston_housing.csv").read_text().splitlines()
    assert lines[0].split(",")[5] == "RM"
    assert lines[0].endswith(",MEDV,split")
    assert [line.rpartition(",")[2] for line in lines[1:]] == [""] * 16 + ["test"] * 4
    from components.example_gen.readers.layouts import reader_for

    reader = reader_for(folder, found, Regression(target="MEDV"), ("RM",))
    assert reader.splits == ("train", "eval", "test")


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ("sklearn:load_iris", "must be sklearn:load_digits or keras:"),
        ("keras:mnits", "must be one of .*did you mean 'mnist'"),
    ],
)
def test_unknown_loaders(tmp_path, loader, message):
    with pytest.raises(BadInputError, match=message):
        bundled.materialise(Bundled(loader=loader, stored=STORED), tmp_path / "x")


def test_offline_names_the_files_and_where_to_put_them(tmp_path, monkeypatch):
    from tf_keras.datasets import mnist

    def fail(*args, **kwargs):
        raise Exception("URL fetch failure: no network")

    monkeypatch.setattr(mnist, "load_data", fail)
    source = Bundled(loader="keras:mnist", stored=STORED)
    with pytest.raises(BadInputError, match=r"mnist\.npz into \$KERAS_HOME/datasets.*--data"):
        bundled.materialise(source, tmp_path / "mnist")


def test_colour_images_keep_their_channels(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    arrays = ((images, np.array([[3], [1]])), (images[:1], np.array([[0]])))
    monkeypatch.setattr(keras_files, "from_keras", lambda name: arrays)
    source = Bundled(loader="keras:cifar10", stored=STORED)
    folder = bundled.materialise(source, tmp_path / "cifar")
    found = rows(folder, "train")
    np.testing.assert_array_equal(pixels(found[1]), images[1])
    assert [r["label"] for r in rows(folder, "eval")] == [0], "without a fraction, test is eval"


def test_the_end_of_a_tables_train_part_validates(tmp_path):
    """As Keras' validation_split of 0.3 cuts the published 404 rows: 282 and 122."""
    from trainer_modules import boston_housing

    rng = np.random.default_rng(0)
    np.savez(tmp_path / "boston_housing.npz", x=rng.random((506, 13)), y=rng.random(506))
    source = boston_housing.TASK.source
    folder = bundled.stored_under(source, str(tmp_path / "runs"), files=tmp_path)
    lines = (Path(folder) / "boston_housing.csv").read_text().splitlines()
    splits = [line.rpartition(",")[2] for line in lines[1:]]
    assert splits == ["train"] * 282 + ["eval"] * 122 + ["test"] * 102


def test_a_table_that_is_named_is_read_beside_keras_files(tmp_path):
    from trainer_modules import boston_housing

    np.savez(tmp_path / "boston_housing.npz", x=np.zeros((20, 13)), y=np.zeros(20))
    (tmp_path / "mine.csv").write_text("RM,MEDV\n6.5,24\n")
    source = boston_housing.TASK.source
    root, stored = ingest.resolve(source, str(tmp_path / "mine.csv"), str(tmp_path / "runs"))
    assert (root, stored.file) == (str(tmp_path), "mine.csv")
    root, _ = ingest.resolve(source, str(tmp_path / "boston_housing.npz"), str(tmp_path / "runs"))
    assert root.startswith(str(tmp_path / "runs"))
