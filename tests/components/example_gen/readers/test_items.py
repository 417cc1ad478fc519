"""Items as lines of text, and the names of splits."""

import pytest

from components.example_gen.readers import items
from components.example_gen.readers.items import Item, Rejected, by_value


@pytest.mark.parametrize(
    "entry",
    [
        Item(key="k", id="a.png", path="/a.png", split=""),
        Item(
            key="k\n",
            id="ü\u2028.png",
            path="gs://b/a b.png",
            split="train",
            label="x|y",
            mask="/m.png",
            slices=(("site", "A"), ("n", "1")),
        ),
        Item(key="k", id="i", path="p", split="eval", label=""),
        Rejected(id="b\\udc80.png", split="test", reason='says "no"'),
    ],
)
def test_an_entry_is_one_line_and_comes_back(entry: Item | Rejected) -> None:
    line = items.to_line(entry)
    assert line.endswith("\n") and line.count("\n") == 1 and line.isascii()
    assert items.from_line(line) == entry


@pytest.mark.parametrize(
    ("label", "found"),
    [("7", "00007"), ("00007", "00007"), ("07", "00007"), ("8", "8"), ("x", "x"), ("-7", "-7")],
)
def test_a_number_finds_the_class_of_the_same_value(label: str, found: str) -> None:
    assert items.by_value(label, ("00007", "x")) == found


def test_a_name_that_is_a_class_is_itself() -> None:
    assert items.by_value("7", ("007", "7")) == "7"


def test_splits_have_one_order_and_the_two_that_training_needs() -> None:
    assert items.split_names({"unlabelled", "test"}) == ("train", "eval", "test", "unlabelled")
    assert items.split_names(set()) == ("train", "eval")


@pytest.mark.parametrize(
    ("label", "classes", "found"),
    [
        ("00014", ("1", "14"), "14"),
        ("0", ("0", "00"), "0"),
        ("00", ("0", "00"), "00"),
        ("00015", ("1", "14"), "00015"),
        ("cat", ("cat",), "cat"),
        ("014", ("cat", "14a"), "014"),
        ("²", ("2",), "²"),
    ],
)
def test_numbers_are_compared_by_value_only_where_names_differ(
    label: str, classes: tuple[str, ...], found: str
) -> None:
    assert by_value(label, classes) == found
