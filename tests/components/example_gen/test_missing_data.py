"""Data that is not there, or not as the task expects: the message says what and the way out."""

import numpy as np
import pytest

from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, Regression, Segmentation
from trainer_modules.engine.task.sources import (
    Bundled,
    HashSplit,
    ImageFolders,
    ImagesAndMasks,
    LabelledPaths,
    PathTable,
    Table,
    TFRecords,
)

PETS = Classification(classes=("cat", "dog"))
HOUSES = Regression(target="price")


def _columns(source):
    return ("rooms",) if isinstance(source, Table) else ()


@pytest.mark.parametrize(
    ("source", "problem", "message"),
    [
        (ImageFolders(), PETS, "contains no class folders. Expected class folders, as in"),
        (ImageFolders(train="Train", eval="Valid"), PETS, "Train does not exist"),
        (ImageFolders(eval=LabelledPaths(csv="v.csv")), PETS, "v.csv does not exist"),
        (PathTable(paths=LabelledPaths(csv="a.csv")), PETS, "columns path, label, one row"),
        (TFRecords(train="*.tfrec"), PETS, r"No file matches .*/\*.tfrec"),
        (ImagesAndMasks(), Segmentation(classes=("a",)), "images in train/ and masks"),
        (Table(), HOUSES, "No file matches .*data.csv. Expected one CSV"),
    ],
)
def test_empty_folder(tmp_path, source, problem, message):
    with pytest.raises(BadInputError, match=message) as error:
        reader_for(str(tmp_path), source, problem, _columns(source))
    assert str(tmp_path) in str(error.value)


def test_missing_root():
    with pytest.raises(BadInputError, match=r"/nowhere/at/all does not exist\. Check --data"):
        reader_for("/nowhere/at/all", ImageFolders(), PETS)


def test_a_bundled_source_must_have_been_resolved(tmp_path):
    with pytest.raises(ValueError, match="source must be one of ImageFolders"):
        reader_for(str(tmp_path), Bundled(loader="x", stored=Table()), PETS)


def test_nothing_to_evaluate_on(tmp_path):
    write(tmp_path / "cat" / "a.png", encoded(picture(0)))
    with pytest.raises(BadInputError, match=r"source\.splits\.eval=0\.2"):
        reader_for(str(tmp_path), ImageFolders(splits=HashSplit(eval=0.0)), PETS)


def test_one_shard_cannot_be_held_out(tmp_path):
    write_shard(tmp_path / "a.tfrec", [])
    with pytest.raises(BadInputError, match="a single shard"):
        reader_for(str(tmp_path), TFRecords(), PETS)


def test_missing_columns_name_the_nearest(tmp_path):
    write(tmp_path / "data.csv", "room,price\n1,2\n")
    with pytest.raises(BadInputError, match="Received: 'rooms' .did you mean 'room'"):
        reader_for(str(tmp_path), Table(), HOUSES, ("rooms",))
    write(tmp_path / "a.csv", "path,lable\nx,y\n")
    with pytest.raises(BadInputError, match="Received: 'label' .did you mean 'lable'"):
        reader_for(str(tmp_path), PathTable(paths=LabelledPaths(csv="a.csv")), PETS)


def test_tables_that_are_none(tmp_path):
    write(tmp_path / "data.csv", "rooms,price\n")
    with pytest.raises(BadInputError, match="has no rows"):
        reader_for(str(tmp_path), Table(), HOUSES, ("rooms",))
    np.savez(tmp_path / "matrix.npz", rooms=np.zeros((3, 2)), price=np.zeros(3))
    with pytest.raises(BadInputError, match="all of the same length"):
        reader_for(str(tmp_path), Table(file="matrix.npz"), HOUSES, ("rooms",))
    write(tmp_path / "broken.npz", b"PK\x03\x04 and no more")
    with pytest.raises(BadInputError, match=r"not a readable \.npz"):
        reader_for(str(tmp_path), Table(file="broken.npz"), HOUSES, ("rooms",))


def test_a_layout_that_cannot_give_the_input_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"Table has rows of numbers.*input must be Columns"):
        reader_for(str(tmp_path), Table(), HOUSES)
    with pytest.raises(BadInputError, match=r"TFRecords holds images.*Columns\(…\) with rooms"):
        reader_for(str(tmp_path), TFRecords(), HOUSES, ("rooms",))
