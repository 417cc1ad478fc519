"""The table of a shard: everything but the bytes of images, and their sizes."""

from pathlib import Path

import pyarrow as pa

from components.data_validation import shard_columns


def _batch(images: list[list[bytes] | None], labels: list[list[bytes]]) -> pa.RecordBatch:
    kind = pa.large_list(pa.large_binary())
    return pa.RecordBatch.from_arrays(
        [
            pa.array(images, kind),
            pa.array(labels, kind),
            pa.array([[i] for i in range(len(labels))], pa.large_list(pa.int64())),
        ],
        names=["image", "label", "height"],
    )


def test_images_become_zeros_of_their_sizes_and_nothing_else_changes(tmp_path: Path) -> None:
    batches = [
        _batch([[b"abc"], None, [], [b"", b"de"]], [[b"x"], [b"y"], [], [b"z", b"x"]]),
        _batch([[b"f"]], [[b"x"]]),
        # A column without values has another type.
        pa.RecordBatch.from_arrays([pa.nulls(2)], names=["image"]),
    ]
    path = str(tmp_path / "table")
    shard_columns.write(batches, path, frozenset({"image"}))
    first, second, third = shard_columns.read(path)
    assert first.column(0).to_pylist() == [[b"\0\0\0"], None, [], [b"", b"\0\0"]]
    assert first.schema.types == batches[0].schema.types
    assert first.select(["label", "height"]).equals(batches[0].select(["label", "height"]))
    assert second.column(0).to_pylist() == [[b"\0"]]
    assert third.equals(batches[2])


def test_the_table_is_small_and_contents_are_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "table"
    shard_columns.write(
        [_batch([[b"secret" * 100_000]], [[b"x"]])], str(path), frozenset({"image"})
    )
    assert path.stat().st_size < 5_000 and b"secret" not in path.read_bytes()
