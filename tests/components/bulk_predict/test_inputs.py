"""Training and prediction read the same files the same way: both readers get each of them."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.bulk_predict import inputs
from components.bulk_predict.inputs import Keys
from components.example_gen.readers.items import Item, Record, Rejected
from components.example_gen.readers.path_table import path_table_reader
from components.example_gen.readers.tables import table_reader
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, Regression
from trainer_modules.engine.task.sources import LabelledPaths, PathTable, Table

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "latin-1"]
NOTE = 'said "no",\ntwice; or\tmore'
LONG = "x" * 200_000


def _write(file: Path, rows: list[list[str]], delimiter: str, encoding: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    file.write_bytes(text.getvalue().encode(encoding))


def _trained(reader: Any) -> list[bytes | None]:
    """The image of each row as ExampleGen reads it, None where it has a reason instead."""
    found: list[bytes | None] = []
    for item in reader.items():
        read: list[Record | Rejected] = [item] if isinstance(item, Rejected) else []
        if isinstance(item, Item):
            read = list(reader.read(item))
        found += [one.image if isinstance(one, Record) else None for one in read]
    return found


def _predicted(file: Path, keys: Keys, columns: tuple[str, ...] = ()) -> list[inputs.Entry]:
    chunks = inputs.chunks(str(file), keys, columns)
    return [entry for chunk in chunks for entry in inputs.read(chunk)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_of_images(tmp_path: Path, picture: Any, delimiter: str, encoding: str) -> None:
    for number, name in enumerate(("größe, 1.png", "sub/b.png", "sub/c;d.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture(number))
    rows = [
        ["note", "Datei", "label"],
        [NOTE, "größe, 1.png", "a"],
        [LONG, " sub\\b.png ", "a"],
        ["", "", "b"],
        ["short", "gone.png", "b"],
        ["", str(tmp_path / "sub/c;d.png"), "b"],
    ]
    _write(tmp_path / "list.csv", rows, delimiter, encoding)
    paths = LabelledPaths(csv="list.csv", path="Datei", label="label")
    reader = path_table_reader(
        str(tmp_path), PathTable(paths=paths), Classification(classes=("a", "b"))
    )
    predicted = _predicted(tmp_path / "list.csv", Keys(path="Datei"))
    assert [entry.content for entry in predicted] == _trained(reader)
    assert [entry.content for entry in predicted] == [
        picture(0),
        picture(1),
        None,
        None,
        picture(2),
    ]
    # The ids are the file's own words, for joining; a row without one is named by its line.
    assert [entry.id for entry in predicted] == [row[1] for row in rows[1:3]] + [
        "list.csv:5",
        *(row[1] for row in rows[4:]),
    ]
    assert predicted[2].error == "the row names no image"
    assert predicted[3].error == "cannot be read: No such file or directory"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_numbers(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [
        ["größe", "y", "note"],
        [" 1.5", "2", NOTE],
        ["3", "1e3", LONG],
        ["inf", "1", ""],
        ["1", "two", ""],
        ["-4", "0"],
    ]
    _write(tmp_path / "data.csv", rows, delimiter, encoding)
    columns = ("größe", "y")
    reader = table_reader(str(tmp_path), Table(file="data.csv"), columns, Regression(target="y"))
    trained = [
        tuple(one.values[c] for c in columns) if isinstance(one, Record) else one.reason
        for item in reader.items()
        for one in reader.read(item)
    ]
    predicted = _predicted(tmp_path / "data.csv", Keys(), columns)
    assert [entry.content or entry.error for entry in predicted] == trained
    assert trained[:2] == [(1.5, 2.0), (3.0, 1000.0)] and trained[4] == (-4.0, 0.0)
    assert trained[2:4] == [
        "not a finite number: column 'größe' is 'inf'",
        "not a finite number: column 'y' is 'two'",
    ]


def test_a_table_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", a=np.array([1.0, 2.0]), b=np.array([3, 4]))
    predicted = _predicted(tmp_path / "data.npz", Keys(), ("b", "a"))
    assert [entry.content for entry in predicted] == [(3.0, 1.0), (4.0, 2.0)]


@pytest.mark.parametrize("text", ['path,y\n"a.png,1\nb.png,2\n', 'path,y\na.png,1\n"b.png,2'])
def test_a_quotation_mark_that_stays_open_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    line = 1 + text[: text.index('"')].count("\n")
    said = rf"list.csv: a quotation mark in line {line} is never closed"
    with pytest.raises(BadInputError, match=said):
        _predicted(tmp_path / "list.csv", Keys())
    paths = LabelledPaths(csv="list.csv", path="path", label="y")
    reader = path_table_reader(
        str(tmp_path), PathTable(paths=paths), Classification(classes=("1", "2"))
    )
    with pytest.raises(BadInputError, match=said):
        list(reader.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no rows"),
        ("path;id\n", "has no rows"),
        ("pfad;path \na;\n", None),
        ("paht\na.png\n", "did you mean 'paht'"),
    ],
)
def test_what_a_list_lacks_is_said(tmp_path: Path, text: str, said: str | None) -> None:
    (tmp_path / "list.csv").write_text(text)
    if said is None:
        assert [entry.error for entry in _predicted(tmp_path / "list.csv", Keys())] == [
            "the row names no image"
        ]
        return
    with pytest.raises(BadInputError, match=said):
        _predicted(tmp_path / "list.csv", Keys())


def test_a_folder_is_listed_as_training_lists_it(tmp_path: Path, picture: Any) -> None:
    names = ["a.png", "b/c.png", "b/notes.txt", ".hidden.png", "__MACOSX/d.png", "Thumbs.db"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture(1))
    (tmp_path / "empty").mkdir()
    (tmp_path / "z.png").symlink_to("gone.png")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as strange:
        strange.write(picture(2))
    entries = {entry.id: entry for entry in _predicted(tmp_path, Keys())}
    assert set(entries) == {"a.png", "b/c.png", "\\udcff.png", "z.png"}
    assert entries["z.png"].error == "cannot be read: No such file or directory"
    assert entries["\\udcff.png"].content == picture(2)
