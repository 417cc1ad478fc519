"""Sets of labels in every layout that can say them: folders, CSV cells and columns, TFRecords."""

import dataclasses
from pathlib import Path

import pytest

from components.example_gen import ingest as finding
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import MultiLabel
from trainer_modules.engine.task.sources import (
    HashSplit,
    ImageFolders,
    LabelledPaths,
    PathTable,
    TensorFlowDatasets,
    TFRecords,
)
from trainer_modules.engine.task.task import Images, Network, Phase, Task

PETS = MultiLabel(classes=("cat", "dog", "indoors"))


def labels(found) -> dict[str, str]:
    return {name: row["label"].decode() for name, row in found.examples.items()}


def named(root: Path, count: int) -> Path:
    for i in range(count):
        write(root / f"{i}.png", encoded(picture(i)))
    return root


def test_a_picture_in_several_folders_has_the_labels_of_all(ingest, tmp_path):
    data = tmp_path / "data"
    for i in range(30):
        for folder in ("cat", "dog", "indoors")[i % 3 :]:
            write(data / folder / f"{i}.png", encoded(picture(i)))
    # The same bytes under another name are the same picture.
    write(data / "cat" / "copy of 1.png", encoded(picture(1)))
    source = ImageFolders(splits=HashSplit(eval=0.3, test=0.3))
    found = ingest(data, source, PETS)
    assert len(found.examples) == 30 and not found.rejected
    kept = {name.rpartition("/")[2]: text for name, text in labels(found).items()}
    assert kept["0.png"] == "cat|dog|indoors" and kept["4.png"] == "dog|indoors"
    assert kept["5.png"] == "indoors" and kept["copy of 1.png"] == "cat|dog|indoors"
    # Each class is counted for each of its pictures.
    assert sum(counts["indoors"] for counts in found.summary["classes"].values()) == 30
    assert sum(counts["cat"] for counts in found.summary["classes"].values()) == 11
    again = ingest(data, source, PETS)
    assert again.order == found.order
    # One picture leaves a class: it keeps its split, and loses this label only.
    (data / "dog" / "4.png").unlink()
    after = ingest(data, source, PETS)
    splits = [{Path(n).name: s for s, e in run.splits.items() for n in e} for run in (found, after)]
    assert splits[0] == splits[1]
    assert labels(after)["indoors/4.png"] == "indoors"


def test_a_copy_among_the_training_images_adds_its_labels_to_the_one_that_is_judged(
    ingest, tmp_path
):
    write(tmp_path / "train" / "cat" / "a.png", encoded(picture(0)))
    write(tmp_path / "train" / "dog" / "b.png", encoded(picture(1)))
    write(tmp_path / "valid" / "dog" / "a.png", encoded(picture(0)))
    found = ingest(tmp_path, ImageFolders(), PETS)
    assert labels(found) == {"valid/dog/a.png": "cat|dog", "train/dog/b.png": "dog"}


def test_cells_with_several_names(ingest, tmp_path):
    named(tmp_path / "img", 7)
    rows = ["0,dog|cat,train", "1, indoors ,train", "2,,train", "3,cat|dgo,val", "4,cat||dog,val"]
    rows += ["5,cat,holdout", "6,dog,val"]
    text = "image,labels,part\n" + "".join(f"img/{row.replace(',', '.png,', 1)}\n" for row in rows)
    write(tmp_path / "labels.csv", text)
    paths = LabelledPaths(csv="labels.csv", path="image", label="labels", split="part")
    found = ingest(tmp_path, PathTable(paths=paths), PETS)
    assert labels(found) == {
        "img/0.png": "cat|dog",
        "img/1.png": "indoors",
        "img/2.png": "",
        "img/6.png": "dog",
    }
    assert "labels.csv:5: a label must be one of" in found.rejected["img/3.png"]
    assert "did you mean 'dog'?" in found.rejected["img/3.png"]
    assert "an empty name beside a '|'" in found.rejected["img/4.png"]
    assert "split must be one of" in found.rejected["img/5.png"]


def test_a_row_for_each_label(ingest, tmp_path):
    named(tmp_path, 2)
    write(tmp_path / "labels.csv", "path,label\n0.png,dog\n1.png,cat\n0.png,cat\n")
    found = ingest(tmp_path, PathTable(paths=LabelledPaths(csv="labels.csv")), PETS)
    assert labels(found) == {"0.png": "cat|dog", "1.png": "cat"}


def test_a_column_for_each_class(ingest, tmp_path):
    named(tmp_path, 4)
    write(
        tmp_path / "labels.csv",
        "image;indoors;cat;dog;site\n0.png;1;0;1;north\n1.png;0;0;;south\n2.png;true;1.0;0;x\n"
        "3.png;0;-1;0;x\n",
    )
    paths = LabelledPaths(csv="labels.csv", path="image", label="*", slices=("site",))
    found = ingest(tmp_path, PathTable(paths=paths), PETS)
    assert labels(found) == {"0.png": "dog|indoors", "1.png": "", "2.png": "cat|indoors"}
    assert found.examples["0.png"]["site"] == b"north"
    reason = "labels.csv:5: column 'cat' must be 0 or 1. Received: '-1'"
    assert found.rejected == {"3.png": reason}
    for source in (PathTable(paths=paths), ImageFolders(train="a", eval="b", test=paths)):
        for folder in ("a/cat", "b/cat"):
            write(tmp_path / folder / "x.png", encoded(picture(50 + len(folder))))
        with pytest.raises(BadInputError, match="column must be one of .*Received: 'bird'"):
            reader_for(str(tmp_path), source, MultiLabel(classes=("bird", "cat")))


@pytest.mark.parametrize(
    ("problem", "values"),
    [
        (PETS, [[b"dog", b"cat"], [], [b"bird"], b"cat|indoors"]),
        (PETS, [[1, 0], [], [3], [0, 2]]),
        (dataclasses.replace(PETS, multi_hot=True), [[1, 1, 0], [0, 0, 0], [1, 1], [1, 0, 1]]),
        (dataclasses.replace(PETS, multi_hot=True), [[1.0, 1.0, 0.0], [], [2, 0, 0], [1, 0, 1]]),
    ],
)
def test_lists_in_tfrecords(ingest, tmp_path, problem, values):
    rows = [{"image": encoded(picture(i)), "label": v} for i, v in enumerate(values)]
    write_shard(tmp_path / "train-0.tfrec", rows)
    write_shard(tmp_path / "valid-0.tfrec", [{"image": encoded(picture(9)), "label": values[0]}])
    source = TFRecords(train="train*", eval="valid*")
    found = ingest(tmp_path, source, problem)
    assert labels(found) == {
        "train-0.tfrec:0": "cat|dog",
        "train-0.tfrec:1": "",
        "train-0.tfrec:3": "cat|indoors",
        "valid-0.tfrec:0": "cat|dog",
    }
    assert list(found.rejected) == ["train-0.tfrec:2"]


def test_indices_of_a_prepared_data_set_have_its_own_names(ingest, tmp_path):
    write(tmp_path / "dataset_info.json", '{"fileFormat": "tfrecord"}')
    write(tmp_path / "labels.labels.txt", "dog\ncat\nindoors\n")
    for split, seed in (("train", 0), ("validation", 10)):
        rows = [{"image": encoded(picture(seed + i)), "labels": [0, 2][: i + 1]} for i in range(2)]
        write_shard(tmp_path / f"pets-{split}.tfrecord-00000-of-00001", rows)
    found = ingest(tmp_path, TensorFlowDatasets(name="pets", label="labels"), PETS)
    assert sorted(labels(found).values()) == ["dog", "dog", "dog|indoors", "dog|indoors"]


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
