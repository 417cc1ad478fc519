"""CSV files as people and programs write them, read the same way everywhere.

Separated by commas, semicolons or tabs; in UTF-8, with a byte-order mark or without, UTF-16 with
one (Excel's "Unicode text"), or else Latin-1.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any

_DELIMITERS = ",;\t"


def decode(contents: bytes) -> str:
    """Returns a CSV file's text."""
    if contents.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return contents.decode("utf-16", "replace")
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        return contents.decode("latin-1")


def header(contents: bytes) -> list[str]:
    """Returns the names of the columns, [] of an empty file."""
    return _reader(contents)[0]


def rows(contents: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, column → value) of the rows below the header.

    A value missing from a row is ""; values beyond the header and empty lines are skipped.
    """
    names, reader = _reader(contents)
    for values in reader:
        if values:
            padded = [*values, *[""] * (len(names) - len(values))]
            yield reader.line_num, dict(zip(names, padded, strict=False))


def _reader(contents: bytes) -> tuple[list[str], Any]:
    """Returns the header and a reader positioned after it."""
    text = decode(contents)
    found = []
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        found.append(([name.strip() for name in next(reader, [])], reader))
    return max(found, key=lambda names_and_reader: len(names_and_reader[0]))
