"""Sets of labels as text and numbers, against scikit-learn's own reading of them."""

import numpy as np
import pytest
from sklearn.preprocessing import MultiLabelBinarizer

from trainer_modules.engine.problems import label_sets
from trainer_modules.engine.problems.labels import LabelError

CLASSES = ("zebra", "ant", "Wal fisch", "ö|")
PLAIN = CLASSES[:3]


def test_every_set_is_read_as_it_was_written() -> None:
    binarizer = MultiLabelBinarizer(classes=PLAIN).fit([])
    every = np.array([[i >> k & 1 for k in range(3)] for i in range(8)])
    for row, names in zip(every, binarizer.inverse_transform(every), strict=True):
        text = label_sets.joined(reversed(names), PLAIN)
        assert label_sets.split(text) == names
        assert label_sets.names_in([text.encode()]) == names
        assert tuple(label_sets.of_multi_hot([int(v) for v in row], PLAIN)) == names
        assert tuple(label_sets.of_index(np.flatnonzero(row).tolist(), PLAIN)) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("  ", ()),
        (" cat | dog ", ("cat", "dog")),
        ("cat||dog", ("cat", "", "dog")),
        ("|", ("", "")),
    ],
)
def test_blanks_are_no_names_and_mistakes_are_kept(text: str, names: tuple[str, ...]) -> None:
    assert label_sets.split(text) == names


def test_texts_of_a_record_are_one_set() -> None:
    values = ["ant|zebra", b"Wal fisch", 7]
    assert label_sets.names_in(values) == ("ant", "zebra", "Wal fisch", "7")
    assert label_sets.joined(label_sets.names_in(values), PLAIN) == "zebra|ant|Wal fisch"


@pytest.mark.parametrize("numbers", [[3], [-1], [0.5], [0, 9]])
def test_an_index_outside_is_no_label(numbers: list[int | float]) -> None:
    with pytest.raises(LabelError, match="is not an index into 3 classes"):
        label_sets.of_index(numbers, PLAIN)


@pytest.mark.parametrize("numbers", [[1, 0], [1, 0, 2], [0, 0, 0, 1]])
def test_a_row_that_is_not_multi_hot_is_no_label(numbers: list[int]) -> None:
    with pytest.raises(LabelError, match="must be 0 or 1 for each of 3 classes"):
        label_sets.of_multi_hot(numbers, PLAIN)


@pytest.mark.parametrize(
    ("classes", "separator"),
    [(CLASSES, "|"), (("a", "a"), "|"), (("a ", "b"), "|"), (("", "b"), "|"), (("a", "b"), " ")],
)
def test_names_that_could_not_be_read_again_are_refused(
    classes: tuple[str, ...], separator: str
) -> None:
    with pytest.raises(ValueError, match="Received"):
        label_sets.check_names(classes, separator)


def test_another_separator_allows_any_other_sign() -> None:
    label_sets.check_names(CLASSES, ";")
    assert label_sets.split(label_sets.joined(CLASSES, CLASSES, ";"), ";") == CLASSES
