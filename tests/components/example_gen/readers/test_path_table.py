"""CSV files that name images."""

import dataclasses
from pathlib import Path

import pytest

from components.example_gen.readers.layouts import reader_for
from components.example_gen.readers.path_table import path_table_reader
from tests.components.example_gen.conftest import encoded, ids, labels, picture, write
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import (
    Classification,
    MultiLabel,
    Regression,
)
from trainer_modules.engine.task.sources import (
    HashSplit,
    ImageFolders,
    LabelledPaths,
    PathTable,
)

PETS = Classification(classes=("cat", "dog"))


def test_table_of_paths(ingest, tmp_path):
    for i in range(3):
        write(tmp_path / "img" / f"{i}.png", encoded(picture(i)))
    write(
        tmp_path / "labels.csv",
        "\ufefffile;kind;part\nimg/0.png;cat;training\nimg\\1.png;dog;val\nimg/2.png;dgo;test\n"
        "img/9.png;dog;train\n;dog;train\nimg/0.png;cat;holiday\n",
    )
    table = LabelledPaths(csv="labels.csv", path="file", label="kind", split="part")
    found = ingest(tmp_path, PathTable(paths=table), PETS)
    assert ids(found, "train") == {"img/0.png"}
    assert ids(found, "eval") == {"img/1.png"}
    assert found.rejected["img/9.png"] == "cannot be read: No such file or directory"
    assert "did you mean 'dog'?" in found.rejected["img/2.png"]
    assert "empty" in found.rejected["labels.csv:6"]
    assert "must be one of train, eval" in found.rejected["img/0.png"]


SETS = MultiLabel(classes=("cat", "dog", "indoors"))


def named(root: Path, count: int) -> Path:
    for i in range(count):
        write(root / f"{i}.png", encoded(picture(i)))
    return root


def test_cells_with_several_names(ingest, tmp_path):
    named(tmp_path / "img", 7)
    rows = ["0,dog|cat,train", "1, indoors ,train", "2,,train", "3,cat|dgo,val", "4,cat||dog,val"]
    rows += ["5,cat,holdout", "6,dog,val"]
    text = "image,labels,part\n" + "".join(f"img/{row.replace(',', '.png,', 1)}\n" for row in rows)
    write(tmp_path / "labels.csv", text)
    paths = LabelledPaths(csv="labels.csv", path="image", label="labels", split="part")
    found = ingest(tmp_path, PathTable(paths=paths), SETS)
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
    found = ingest(tmp_path, PathTable(paths=LabelledPaths(csv="labels.csv")), SETS)
    assert labels(found) == {"0.png": "cat|dog", "1.png": "cat"}


def test_a_column_for_each_class(ingest, tmp_path):
    named(tmp_path, 4)
    write(
        tmp_path / "labels.csv",
        "image;indoors;cat;dog;site\n0.png;1;0;1;north\n1.png;0;0;;south\n2.png;true;1.0;0;x\n"
        "3.png;0;-1;0;x\n",
    )
    paths = LabelledPaths(csv="labels.csv", path="image", label="*", slices=("site",))
    found = ingest(tmp_path, PathTable(paths=paths), SETS)
    assert labels(found) == {"0.png": "dog|indoors", "1.png": "", "2.png": "cat|indoors"}
    assert found.examples["0.png"]["site"] == b"north"
    reason = "labels.csv:5: column 'cat' must be 0 or 1. Received: '-1'"
    assert found.rejected == {"3.png": reason}
    for source in (PathTable(paths=paths), ImageFolders(train="a", eval="b", test=paths)):
        for folder in ("a/cat", "b/cat"):
            write(tmp_path / folder / "x.png", encoded(picture(50 + len(folder))))
        with pytest.raises(BadInputError, match="column must be one of .*Received: 'bird'"):
            reader_for(str(tmp_path), source, MultiLabel(classes=("bird", "cat")))


AGES = Regression(target="age", least=0, most=120)
LIST = PathTable(
    paths=LabelledPaths(csv="ages.csv", path="image", label="age", split="part"),
    splits=HashSplit(eval=0.3),
)


def test_a_csv_of_images_and_numbers(ingest, tmp_path):
    rows = {
        "whole": ("41", 41.0),
        "decimal": (" 7.25 ", 7.25),
        "exponent": ("1.1e1", 11.0),
        "oldest": ("120", 120.0),
        "zero": ("-0.0", 0.0),
        "missing": ("", "age is missing"),
        "nan": ("NaN", "age must be a finite number. Received: 'NaN'"),
        "infinite": ("-inf", "age must be a finite number. Received: '-inf'"),
        "too-large-for-float32": ("1e39", "age must be a finite number. Received: '1e39'"),
        "comma": ('"7,25"', "age must be a finite number. Received: '7,25'"),
        "word": ("old", "age must be a finite number. Received: 'old'"),
        "below": ("-1", "age must be at least 0 and at most 120. Received: -1.0"),
        "above": ("120.5", "age must be at least 0 and at most 120. Received: 120.5"),
    }
    lines = ["image,age,part"]
    for i, (name, (text, _)) in enumerate(rows.items()):
        write(tmp_path / f"{name}.png", encoded(picture(i)))
        lines.append(f"{name}.png,{text},train")
    write(tmp_path / "unknown.png", encoded(picture(50)))
    write(tmp_path / "ages.csv", "\n".join([*lines, "unknown.png,,unlabelled"]))
    found = ingest(tmp_path, LIST, AGES)
    wanted = {f"{name}.png": value for name, (_, value) in rows.items()}
    assert {name: row["age"] for name, row in found.splits["train"].items()} == {
        name: value for name, value in wanted.items() if isinstance(value, float)
    }
    assert "age" not in found.splits["unlabelled"]["unknown.png"]
    assert all("label" not in row for row in found.examples.values())
    assert {name: reason.partition(": ")[2] for name, reason in found.rejected.items()} == {
        name: value for name, value in wanted.items() if isinstance(value, str)
    }
    # Numbers are not classes.
    assert found.summary["classes"] == {split: {} for split in found.splits}


def test_one_picture_with_two_numbers_is_a_conflict_and_with_one_twice_a_copy(ingest, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2), ("d", 2), ("e", 3)):
        write(tmp_path / f"{name}.png", encoded(picture(seed)))
    text = "image;age;part\na.png;23;train\nb.png;31;eval\nc.png;5;train\nd.png;5.0;eval\n"
    write(tmp_path / "ages.csv", text + "e.png;1;train\n")
    found = ingest(tmp_path, LIST, AGES)
    reason = "same bytes labelled '31.0' (b.png) and '23.0' (a.png)"
    assert found.rejected == {"a.png": reason, "b.png": reason}
    assert found.summary["duplicates"]["listed"] == [
        {"id": "c.png", "kept": "d.png", "split": "train"}
    ]
    assert set(found.examples) == {"d.png", "e.png"}


def test_the_content_decides_the_split_and_goes_on_doing_so(ingest, tmp_path):
    source = PathTable(
        paths=LabelledPaths(csv="ages.csv", path="image", label="age"), splits=HashSplit(eval=0.3)
    )

    def splits(count: int, folder: str) -> dict[str, str]:
        rows = []
        for i in range(count):
            write(tmp_path / folder / f"{i}.png", encoded(picture(i)))
            rows.append(f"{folder}/{i}.png,{i}")
        write(tmp_path / "ages.csv", "\n".join(["image,age", *rows]))
        found = ingest(tmp_path, source, AGES)
        pairs = [(name, split) for split, rows in found.splits.items() for name in rows]
        return {name.rpartition("/")[2]: split for name, split in pairs}

    before, after = splits(30, "here"), splits(60, "moved")
    assert before.items() <= after.items()
    assert {"train", "eval"} == set(after.values())


def test_data_may_name_the_list_itself(tmp_path):
    from components.example_gen.ingest import resolve

    write(tmp_path / "faces.csv", "file;years\na.png;3\n")
    root, source = resolve(LIST, str(tmp_path / "faces.csv"), "")
    assert (root, source.paths.csv) == (str(tmp_path), "faces.csv")
    with pytest.raises(BadInputError) as refused:
        path_table_reader(root, source, AGES)
    assert "faces.csv: column must be one of file, years. Received: 'image'" in str(refused.value)
    assert "--set source.paths.path=COLUMN" in str(refused.value)
    missing = dataclasses.replace(
        source, paths=dataclasses.replace(source.paths, path="file", split="")
    )
    with pytest.raises(BadInputError, match="'age'.*--set source.paths.label=COLUMN"):
        path_table_reader(root, missing, AGES)
    with pytest.raises(BadInputError, match="columns image, age, part, one row"):
        path_table_reader(root, LIST, AGES)
