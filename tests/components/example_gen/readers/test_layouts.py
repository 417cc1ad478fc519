"""Which reader a layout has, and what is said where the data are not as it expects."""

import pytest

from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import write
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, Regression, Segmentation
from trainer_modules.engine.task.sources import (
    Bundled,
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


def test_missing_columns_name_the_nearest(tmp_path):
    write(tmp_path / "data.csv", "room,price\n1,2\n")
    with pytest.raises(BadInputError, match="Received: 'rooms' .did you mean 'room'"):
        reader_for(str(tmp_path), Table(), HOUSES, ("rooms",))
    write(tmp_path / "a.csv", "path,lable\nx,y\n")
    with pytest.raises(BadInputError, match="Received: 'label' .did you mean 'lable'"):
        reader_for(str(tmp_path), PathTable(paths=LabelledPaths(csv="a.csv")), PETS)


def test_a_layout_that_cannot_give_the_input_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"Table has rows of numbers.*input must be Columns"):
        reader_for(str(tmp_path), Table(), HOUSES)
    with pytest.raises(BadInputError, match=r"TFRecords holds images.*Columns\(…\) with rooms"):
        reader_for(str(tmp_path), TFRecords(), HOUSES, ("rooms",))
