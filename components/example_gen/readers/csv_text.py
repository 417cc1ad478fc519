"""CSV files as people and programs write them, read the same way everywhere.

Separated by commas, semicolons or tabs; in UTF-8, with a byte-order mark or without, UTF-16 with
one (Excel's "Unicode text"), or else Latin-1.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any

from trainer_modules.engine.errors import BadInputError

_DELIMITERS = ",;\t"
# Python's own limit, 131,072 characters, would refuse long values. It is the whole process's.
csv.field_size_limit(2**31 - 1)


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
    return _opened(contents)[0]


def rows(contents: bytes, place: str = "the CSV file") -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, column → value) of the rows below the header.

    A value missing from a row is ""; values beyond the header and empty lines are skipped.

    Args:
      contents: The file's bytes.
      place: The file's name, for a message.

    Raises:
      BadInputError: If a quotation mark is never closed, which makes one value of all that follows.
    """
    names, reader, lines = _opened(contents)
    last = lines.taken()
    for values in reader:
        last = lines.taken()
        if values:
            padded = [*values, *[""] * (len(names) - len(values))]
            yield reader.line_num, dict(zip(names, padded, strict=False))
    if _unclosed(last, reader.dialect):
        raise BadInputError(
            f"{place}: a quotation mark in line {reader.line_num - len(last) + 1} is never closed, "
            "so everything below it would be one value. Close it, or write it twice."
        )


class _Lines:
    """The lines of a text, kept until they are taken."""

    def __init__(self, text: str) -> None:
        self._lines, self._kept = io.StringIO(text, newline=""), list[str]()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self._kept.append(next(self._lines))
        return self._kept[-1]

    def taken(self) -> list[str]:
        """Returns the lines since the last call: those of one row."""
        taken, self._kept = self._kept, []
        return taken


def _opened(contents: bytes) -> tuple[list[str], Any, _Lines]:
    """Returns the header, a reader positioned after it, and the lines that it reads."""
    text = decode(contents)
    fields = []
    for delimiter in _DELIMITERS:
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=delimiter)
        fields.append(([name.strip() for name in next(reader, [])], reader, lines))
    return max(fields, key=lambda opened: len(opened[0]))


def _unclosed(row: list[str], dialect: Any) -> bool:
    """Says whether the lines of the last row end within quotation marks."""
    try:
        list(csv.reader(row, dialect, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False
