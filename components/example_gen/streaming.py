"""The records of a list of files, worked on by several threads, in the order of the list."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from components.example_gen import parallel
from components.example_gen.readers import storage
from components.example_gen.readers.items import Item, Reader, Record, Rejected

T = TypeVar("T")

_CHUNK = 16
_CHUNK_BYTES = 1 << 20

_Entry = tuple[Item, Record | Rejected | None]


def stream(
    reader: Reader, items: Iterable[Item], act: Callable[[str, Record | Rejected], T]
) -> Iterator[list[T]]:
    """Yields lists of results of `act`, called with the file's path and a record of it.

    Submitting a task costs as much as a tiny image, so that each task has several.
    """
    threads = parallel.thread_count(remote=any(map(storage.is_remote, reader.places())))
    tasks = (
        functools.partial(_act_on, reader, chunk, act) for chunk in _chunks(_entries(reader, items))
    )
    yield from parallel.run(tasks, threads=threads)


def _entries(reader: Reader, items: Iterable[Item]) -> Iterator[_Entry]:
    for item in items:
        if reader.holds_many:
            for record in reader.read(item):
                yield item, record
        else:
            yield item, None


def _chunks(entries: Iterator[_Entry]) -> Iterator[list[_Entry]]:
    chunk: list[_Entry] = []
    size = 0
    for item, record in entries:
        chunk.append((item, record))
        size += len(record.content) if isinstance(record, Record) else 0
        if len(chunk) == _CHUNK or size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _act_on(reader: Reader, entries: list[_Entry], act: Callable[[str, Any], T]) -> list[T]:
    outcomes: list[T] = []
    for item, known in entries:
        records = reader.read(item) if known is None else (known,)
        outcomes.extend(act(item.path, record) for record in records)
    return outcomes
