"""Finding a task's data and its classes before the pipeline is built."""

import dataclasses

import pytest

from components.example_gen import ingest
from components.example_gen import ingest as finding
from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, MultiLabel, Regression
from trainer_modules.engine.task.sources import (
    Bundled,
    ImageFolders,
    LabelledPaths,
    PathTable,
    Table,
    TFRecords,
)
from trainer_modules.engine.task.task import Columns, Images, Network, Phase, Task

TASK = Task(
    name="pets",
    source=TFRecords(train="*.tfrec"),
    alternatives=(ImageFolders(),),
    input=Images(height=8, width=8),
    problem=Classification(),
    model=Network(),
    phases=(Phase(epochs=1),),
)


def folders(root, *names):
    for i, name in enumerate(names):
        write(root / name / "a.jpg", encoded(picture(i), "JPEG"))
    return root


def test_classes_are_the_sorted_names_of_folders_that_hold_images(tmp_path):
    folders(tmp_path, "10", "2", "b/below")
    write(tmp_path / "docs" / "readme.txt", "no image here")
    (tmp_path / "empty").mkdir()
    assert ingest.infer_classes(str(tmp_path), ImageFolders(), Classification()) == ("10", "2", "b")


def test_classes_under_split_folders_are_those_of_train(tmp_path):
    folders(tmp_path, "Train/x", "Train/y", "Valid/z")
    assert ingest.infer_classes(str(tmp_path), ImageFolders(), Classification()) == ("x", "y")


def test_classes_of_a_csv(tmp_path):
    write(tmp_path / "a.csv", "path,label\na,pear\nb,apple\nc,pear\n")
    source = PathTable(paths=LabelledPaths(csv="a.csv"))
    assert ingest.infer_classes(str(tmp_path), source, Classification()) == ("apple", "pear")


def test_one_class_is_too_few_and_a_wrapping_folder_is_named(tmp_path):
    folders(tmp_path / "one", "cat")
    with pytest.raises(BadInputError, match="only one class: 'cat'; at least 2"):
        ingest.infer_classes(str(tmp_path / "one"), ImageFolders(), Classification())
    folders(tmp_path / "zip", "photos/cat", "photos/dog")
    with pytest.raises(BadInputError, match=r"Did you mean --data .*zip/photos\?"):
        ingest.infer_classes(str(tmp_path / "zip"), ImageFolders(), Classification())


def test_one_class_in_a_csv_is_too_few_wherever_the_images_are(tmp_path):
    write(tmp_path / "a.csv", "path,label\na,cat\nb,cat\n")
    source = PathTable(paths=LabelledPaths(csv="a.csv"))
    with pytest.raises(BadInputError, match="only one class: 'cat'; at least 2 classes are"):
        ingest.infer_classes(str(tmp_path), source, Classification())


def test_the_first_layout_that_the_data_has_is_taken(tmp_path):
    folders(tmp_path, "cat", "dog")
    task, root, source = ingest.prepare(TASK, str(tmp_path) + "/", "runs")
    assert (root, source) == (str(tmp_path), ImageFolders())
    assert task.problem == Classification(classes=("cat", "dog"))
    for i in range(2):
        write_shard(tmp_path / f"{i}.tfrec", [])
    known = dataclasses.replace(TASK, problem=Classification(classes=("a", "b")))
    assert ingest.prepare(known, str(tmp_path), "runs")[2] == known.source


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    folders(tmp_path / "pets", "cat", "dog")
    monkeypatch.chdir(tmp_path)
    assert ingest.prepare(TASK, "pets", "runs")[1] == str(tmp_path / "pets")


def test_no_layout_fits(tmp_path):
    known = dataclasses.replace(TASK, problem=Classification(classes=("a", "b")))
    with pytest.raises(BadInputError, match=r"No file matches .* Or: .*contains no class folders"):
        ingest.prepare(known, str(tmp_path), "runs")


def test_no_data_at_all(tmp_path):
    with pytest.raises(BadInputError, match="name it with --data PATH"):
        ingest.prepare(TASK, None, "runs")
    with pytest.raises(BadInputError, match="/nowhere does not exist"):
        ingest.prepare(TASK, "/nowhere", "runs")


def test_data_may_be_the_table_itself(tmp_path):
    path = write(tmp_path / "homes.csv", "rooms,price\n1,2\n")
    task = dataclasses.replace(
        TASK,
        source=Bundled(loader="keras:boston_housing", stored=Table()),
        alternatives=(),
        input=Columns(names=("rooms",)),
        problem=Regression(target="price"),
    )
    assert ingest.prepare(task, str(path), "runs")[1:] == (str(tmp_path), Table(file="homes.csv"))
    with pytest.raises(BadInputError, match="is a file, but TFRecords reads a folder"):
        ingest.resolve(TFRecords(), str(path), "runs")


def open_task(source) -> Task:
    return Task(
        name="pets",
        source=source,
        input=Images(height=8, width=8),
        problem=MultiLabel(),
        model=Network(),
        phases=(Phase(epochs=1),),
    )


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("labels", "image,labels\na.png,dog|cat\nb.png,\nc.png, indoors\n"),
        ("*", "image,indoors,dog,cat\na.png,1,0,0\n"),
    ],
)
def test_classes_are_the_names_in_the_sets(tmp_path, label, text):
    write(tmp_path / "labels.csv", text)
    source = PathTable(paths=LabelledPaths(csv="labels.csv", path="image", label=label))
    task, _, _ = finding.prepare(open_task(source), str(tmp_path), "runs")
    assert task.problem.names == ("cat", "dog", "indoors")


def test_folders_name_the_classes_and_their_names_are_checked(tmp_path):
    for name in ("cat", "a|b"):
        write(tmp_path / name / "0.png", encoded(picture(0)))
    with pytest.raises(BadInputError, match=r"without '\|'.*Received: 'a\|b'"):
        finding.prepare(open_task(ImageFolders()), str(tmp_path), "runs")
