"""What a shard contains is told by its name, or else read."""

from pathlib import Path

from components.raw_shards import compression, raw_shards


def test_a_telling_name_is_believed_and_another_file_is_read(tmp_path: Path) -> None:
    told = "data_tfrecord-0123456789abcdef"
    for name, content in (
        (told, b"a"),
        ("data_tfrecord-00000-of-00002", b"b"),
        ("data_tfrecord-00001-of-00002", b"b"),
        (f"{told}.gz", b"c"),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    keys = {Path(shard.path).name: shard.key for shard in raw_shards(str(tmp_path))}
    assert len(keys) == 4 and keys[told] == "0123456789abcdef"
    one, two = keys["data_tfrecord-00000-of-00002"], keys["data_tfrecord-00001-of-00002"]
    assert one == two != keys[f"{told}.gz"] and len(one) == 32
    assert [compression(name) for name in (told, f"{told}.gz")] == ["", "GZIP"]


def test_a_folder_that_is_not_there_has_no_shards(tmp_path: Path) -> None:
    assert raw_shards(str(tmp_path / "none")) == []
