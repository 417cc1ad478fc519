"""A number for each image: read from a CSV, from TFRecords or from folders, and checked."""

import dataclasses

import pytest

from components.example_gen.readers.layouts import reader_for
from components.example_gen.readers.path_table import path_table_reader
from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import LabelError, Regression
from trainer_modules.engine.task.sources import (
    HashSplit,
    ImageFolders,
    LabelledPaths,
    PathTable,
    Table,
    TFRecords,
)

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


def test_records_hold_floats_integers_or_texts(ingest, tmp_path):
    rows = [
        ({"years": 41.5}, 41.5),
        ({"years": 7}, 7.0),
        ({"years": b"3.25"}, 3.25),
        ({"years": float("nan")}, "age must be a finite number. Received: nan"),
        ({"years": 500}, "age must be at least 0 and at most 120. Received: 500.0"),
        ({"years": b""}, "age is missing"),
        ({"years": b"\xff"}, "age must be a finite number. Received: '\\\\xff'"),
        ({"years": [1.0, 2.0]}, "age must be one number. Received: 2 values"),
        ({"other": 1.0}, "no label under key 'years'; its keys: id, img, other"),
    ]
    examples = [
        {"img": encoded(picture(i)), "id": f"{i}".encode(), **row}
        for i, (row, _) in enumerate(rows)
    ]
    write_shard(tmp_path / "train-0.tfrec", examples, gzip=True)
    write_shard(tmp_path / "eval-0.tfrec", [{**examples[1], "img": encoded(picture(99))}])
    source = TFRecords(
        train="train-*.tfrec", eval="eval-*.tfrec", image="img", label="years", id="id"
    )
    found = ingest(tmp_path, source, AGES)
    wanted = {str(i): value for i, (_, value) in enumerate(rows)}
    assert {name: row["age"] for name, row in found.splits["train"].items()} == {
        name: value for name, value in wanted.items() if isinstance(value, float)
    }
    assert {name: reason.partition(": ")[2] for name, reason in found.rejected.items()} == {
        name: value for name, value in wanted.items() if isinstance(value, str)
    }


def test_folders_may_be_named_after_numbers(ingest, tmp_path):
    for i, age in enumerate(("7", "007.5", "x")):
        write(tmp_path / "faces" / age / "face.png", encoded(picture(i)))
    found = ingest(tmp_path / "faces", ImageFolders(splits=HashSplit(eval=0.5)), AGES)
    assert {n: row["age"] for n, row in found.examples.items()} == {
        "7/face.png": 7.0,
        "007.5/face.png": 7.5,
    }
    assert found.rejected == {"x/face.png": "age must be a finite number. Received: 'x'"}


@pytest.mark.parametrize(("value", "text"), [(3, "3.0"), ("3", "3.0"), (-0.0, "0.0"), (0.1, "0.1")])
def test_equal_numbers_are_equal_texts(value, text):
    problem = Regression(target="x")
    assert problem.label_text((value,)) == text
    assert problem.raw_labels(text) == {"x": [float(text)]}
    with pytest.raises(LabelError, match="0 values"):
        problem.label_text(())


@pytest.mark.parametrize("bounds", [{"least": 3, "most": 2}, {"least": float("nan")}])
def test_bounds_that_no_number_meets_are_refused(bounds):
    with pytest.raises(ValueError, match="Received"):
        Regression(target="x", **bounds)


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


def test_bounds_hold_for_tables_too(tmp_path):
    write(tmp_path / "data.csv", "rooms,price\n3,10\n4,-1\n5,31\n6,30\n")
    problem = Regression(target="price", least=0, most=30)
    reader = reader_for(str(tmp_path), Table(file="data.csv"), problem, ("rooms",))
    (item,) = reader.items()
    found = [getattr(one, "reason", None) or one.values["price"] for one in reader.read(item)]
    bounds = "price must be at least 0 and at most 30. Received:"
    assert found == [10.0, f"{bounds} -1.0", f"{bounds} 31.0", 30.0]
