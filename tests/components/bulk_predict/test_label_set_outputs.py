"""Predictions of sets of labels as cells of a CSV and as lines of JSON."""

import json

import numpy as np
import pytest

from components.bulk_predict import outputs
from components.bulk_predict.inputs import Entry
from trainer_modules.engine.errors import BadInputError

CLASSES = outputs.Classes(("cat", "dog", "indoors"))
OUTPUTS = ("probabilities", "labels", "scores")
SEEN = Entry("one.jpg", b"", "", "cat")
PREDICTION = {
    "probabilities": np.array([0.25, 0.4, 0.875], np.float32),
    "labels": b"cat|indoors",
    "scores": np.array([0.25, 0, 0.875], np.float32),
}
EMPTY = {
    "probabilities": np.array([0.1, 0.2, 0.3], np.float32),
    "labels": b"",
    "scores": np.zeros(3, np.float32),
}


def cells(asked: str, prediction: dict, *, labelled: bool = False) -> tuple[str, str]:
    chosen = outputs.columns(asked, outputs=OUTPUTS, classes=CLASSES, labelled=labelled)
    row = outputs.csv_row(SEEN, prediction, chosen, CLASSES)
    return outputs.header(chosen).strip(), row.strip()


def test_a_set_is_one_cell_with_its_scores_beside_it() -> None:
    assert cells("", PREDICTION) == ("id,labels,scores,error", "one.jpg,cat|indoors,0.25|0.875,")
    assert cells("", EMPTY)[1] == "one.jpg,,,"
    header, row = cells("", PREDICTION, labelled=True)
    assert header.startswith("id,true,labels") and row.startswith("one.jpg,cat,cat|indoors")


def test_all_probabilities_may_be_asked_for_but_no_rank() -> None:
    header, row = cells("name=id,probabilities,probability:dog", PREDICTION)
    assert header == "name,cat,dog,indoors,probability:dog"
    assert row == "one.jpg,0.25,0.4,0.875,0.4"
    with pytest.raises(BadInputError, match="must be one of id, labels, scores"):
        cells("label_2", PREDICTION)


def test_a_line_of_json_lists_the_set_from_the_highest_score() -> None:
    row = json.loads(outputs.json_line(SEEN, PREDICTION, CLASSES, None))
    assert row["labels"] == ["indoors", "cat"]
    assert row["scores"] == {"indoors": 0.875, "cat": 0.25}
    assert row["probabilities"] == {"cat": 0.25, "dog": 0.4, "indoors": 0.875}
    empty = json.loads(outputs.json_line(SEEN, EMPTY, CLASSES, None))
    assert empty["labels"] == [] and empty["scores"] == {}
