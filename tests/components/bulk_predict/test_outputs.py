"""Columns and lines of predictions, read back by the standard library."""

import csv
import io
import json

import numpy as np
import pytest

from components.bulk_predict import outputs
from components.bulk_predict.inputs import Entry
from components.bulk_predict.outputs import Classes, Column
from trainer_modules.engine.errors import BadInputError

CLASSES = Classes(("cat", "a=b", "c,d"))
PUBLISHED = Classes(("crane", "crane"), ("n01", "n02"))
PREDICTED = {
    "probabilities": np.array([0.1, 0.7, 0.2], np.float32),
    "label": b"a=b",
    "score": np.float32(0.7),
}


def headers(asked: str, classes: Classes = CLASSES, **given: object) -> list[str]:
    chosen = outputs.columns(
        asked,
        **{"outputs": ("probabilities", "label", "score"), "classes": classes, "labelled": False}
        | given,
    )
    return [column.header for column in chosen]


def row(asked: str) -> dict[str, str]:
    chosen = outputs.columns(
        asked, outputs=tuple(PREDICTED), classes=CLASSES, labelled=True, top=None
    )
    text = outputs.header(chosen) + outputs.csv_row(
        Entry("ü\n.png", b"", true="cat"), PREDICTED, chosen, CLASSES
    )
    (found,) = csv.DictReader(io.StringIO(text))
    return dict(found)


def test_the_default_is_what_the_model_can_say() -> None:
    assert headers("") == ["id", "label", "score", "error"]
    assert headers("", labelled=True)[:2] == ["id", "true"]
    assert headers("", top=2) == ["id", "label", "score", "label_2", "score_2", "error"]
    assert headers("", outputs=("value",), classes=Classes()) == ["id", "value", "error"]
    # Of a published network with two classes: both, by name and id.
    assert headers("", classes=PUBLISHED)[:4] == ["id", "label", "class_id", "score"]


def test_a_row_is_read_back_as_it_was_meant() -> None:
    found = row("photo=id,true,label,label_2,score_3,index,probability:a=b,error")
    assert found == {
        "photo": "ü\n.png",
        "true": "cat",
        "label": "a=b",
        "label_2": "c,d",
        "score_3": "0.1",
        "index": "1",
        "probability:a=b": "0.7",
        "error": "",
    }


def test_all_probabilities_are_a_column_for_each_class() -> None:
    found = row("id,probabilities")
    assert found == {"id": "ü\n.png", "cat": "0.1", "a=b": "0.7", "c,d": "0.2"}


def test_an_error_leaves_the_cells_empty() -> None:
    chosen = (Column(header="id", field="id"), Column(header="label", field="label"))
    broken = Entry("x.png", None, error="cannot be decoded")
    assert outputs.csv_row(broken, {}, chosen, CLASSES) == "x.png,\n"
    line = json.loads(outputs.json_line(broken, {}, CLASSES, None))
    assert line == {"id": "x.png", "error": "cannot be decoded"}


@pytest.mark.parametrize(
    ("asked", "says"),
    [("lable", "did you mean 'label'"), ("value", "Received: 'value'"), ("label_4", "label_4")],
)
def test_a_field_that_the_model_cannot_fill_is_refused(asked: str, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        headers(asked)


def test_a_line_of_json_has_all_classes_or_the_top_ones() -> None:
    entry = Entry("x.png", b"")
    every = json.loads(outputs.json_line(entry, PREDICTED, CLASSES, None))
    assert every["probabilities"] == {"cat": 0.1, "a=b": 0.7, "c,d": 0.2}
    assert (every["label"], every["score"]) == ("a=b", 0.7)
    two = json.loads(outputs.json_line(entry, PREDICTED, CLASSES, 2))
    assert two["top"] == [
        {"label": "a=b", "probability": 0.7},
        {"label": "c,d", "probability": 0.2},
    ]
    of_ids = {"probabilities": np.array([0.25, 0.75], np.float32)}
    assert json.loads(outputs.json_line(entry, of_ids, PUBLISHED, 1))["top"] == [
        {"label": "crane", "class_id": "n02", "probability": 0.75}
    ]


def test_the_best_are_those_of_a_stable_sort() -> None:
    values = np.random.default_rng(0).integers(0, 5, 40).astype(np.float32)
    expected = sorted(range(40), key=lambda i: (-values[i], i))
    assert outputs.best(values, 40) == expected and outputs.best(values, 3) == expected[:3]
