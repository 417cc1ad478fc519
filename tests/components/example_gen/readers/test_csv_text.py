"""CSV files as Excel, GTSRB and others write them."""

import csv
import io

import pytest

from components.example_gen.readers import csv_text

NAMES = ["path", "größe", "note"]
ROWS = [["a;b,c.png", "1", 'said "no"'], ["d.png", "2", "two\nlines"]]


def _written(delimiter: str, encoding: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([NAMES, *ROWS])
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_reads_what_is_written(delimiter: str, encoding: str) -> None:
    contents = _written(delimiter, encoding)
    assert csv_text.header(contents) == NAMES
    found = list(csv_text.rows(contents))
    assert [list(row.values()) for _, row in found] == ROWS
    assert [line for line, _ in found] == [2, 4]


def test_short_long_and_empty_rows() -> None:
    found = csv_text.rows(b"a; b \n1\n\n1;2;3\n")
    assert [row for _, row in found] == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]


def test_a_quoted_comma_separates_nothing() -> None:
    assert csv_text.header(b'"price, in $";rooms\n') == ["price, in $", "rooms"]


def test_an_empty_file_has_no_columns() -> None:
    assert csv_text.header(b"") == [] and list(csv_text.rows(b"")) == []
