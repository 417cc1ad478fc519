"""What statistics read of a shard, apart from the bytes of images.

TFDV counts encoded images and measures their sizes; it never looks into them. So what is kept of a
shard for the next night is a small table: all columns, and of images the sizes.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from tfx.dsl.io import fileio

# Marks a column that holds sizes instead of contents.
_SIZES = {b"holds": b"sizes"}


def write(batches: Iterable[pa.RecordBatch], path: str, encoded: frozenset[str]) -> None:
    """Writes the table of a shard.

    Args:
      batches: What TFDV would read.
      path: A new file.
      encoded: Columns with encoded images, of which the sizes are kept.
    """
    with fileio.open(path, "wb") as f, pa.BufferOutputStream() as buffer:
        for batch in batches:
            kept = _without_contents(batch, encoded)
            # Each batch with its own schema: the type of a column without values is not known.
            with pa.ipc.new_stream(buffer, kept.schema) as stream:
                stream.write_batch(kept)
        f.write(buffer.getvalue().to_pybytes())


def read(path: str) -> Iterator[pa.RecordBatch]:
    """Yields the batches again; encoded images have their sizes, and zeros for contents."""
    with fileio.open(path, "rb") as f:
        source = pa.BufferReader(f.read())
    while source.tell() < source.size():
        with pa.ipc.open_stream(source) as stream:
            yield from map(_with_zeros, stream)


def _without_contents(batch: pa.RecordBatch, encoded: frozenset[str]) -> pa.RecordBatch:
    columns, fields = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.name in encoded and _holds_bytes(field.type):
            sizes = pa.compute.binary_length(column.values).cast(pa.int64())
            column = _like(column, sizes)
            field = pa.field(field.name, column.type, metadata=_SIZES)
        columns.append(column)
        fields.append(field)
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _with_zeros(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        _like(column, _zeros(column.values)) if field.metadata == _SIZES else column
        for field, column in zip(batch.schema, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _holds_bytes(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return lists and (
        pa.types.is_binary(kind.value_type) or pa.types.is_large_binary(kind.value_type)
    )


def _like(column: pa.Array, values: pa.Array) -> pa.Array:
    """Returns the lists of `column` with other values."""
    kind = type(column)
    return kind.from_arrays(column.offsets, values, mask=column.is_null())


def _zeros(sizes: pa.Array) -> pa.Array:
    """Returns binary values of these sizes; their zeros take no memory until they are read."""
    lengths = sizes.to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    contents = pa.py_buffer(np.zeros(int(offsets[-1]), np.uint8))
    return pa.Array.from_buffers(
        pa.large_binary(), len(lengths), [None, pa.py_buffer(offsets), contents]
    )
