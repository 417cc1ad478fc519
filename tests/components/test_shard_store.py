"""A store of results: whole entries or none, linked where links are possible."""

import os
from pathlib import Path

import pytest

from components import shard_store
from components.shard_store import ShardStore


def _put(store: ShardStore, key: str, contents: bytes) -> str:
    staged = store.staged()
    Path(staged, "below").mkdir()
    Path(staged, "below", "one").write_bytes(contents)
    return store.put(key, staged)


def test_an_entry_is_found_once_it_is_whole(tmp_path: Path) -> None:
    store = ShardStore(str(tmp_path / "store"))
    assert store.find("a") is None
    staged = store.staged()
    Path(staged, "one").write_bytes(b"1")
    assert store.find("a") is None and not store.link("a", "one", str(tmp_path / "x"))
    assert store.put("a", staged) == store.find("a") == str(tmp_path / "store" / "a")
    assert [p.name for p in (tmp_path / "store").iterdir()] == ["a"]


def test_the_first_entry_of_a_key_stays(tmp_path: Path) -> None:
    store = ShardStore(str(tmp_path))
    _put(store, "a", b"first")
    _put(store, "a", b"second")
    assert (tmp_path / "a" / "below" / "one").read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_two_writers_at_once_leave_one_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShardStore(str(tmp_path))
    _put(store, "a", b"first")
    # The second looked before the first had finished.
    monkeypatch.setattr(ShardStore, "find", lambda self, key: None)
    _put(store, "a", b"second")
    assert (tmp_path / "a" / "below" / "one").read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_link_is_the_same_file_and_outlives_the_entry(tmp_path: Path) -> None:
    store = ShardStore(str(tmp_path / "store"))
    entry = _put(store, "a", b"1")
    target = tmp_path / "night" / "one"
    target.parent.mkdir()
    assert store.link("a", "below/one", str(target))
    assert target.stat().st_ino == Path(entry, "below", "one").stat().st_ino
    shard_store.forget(str(tmp_path / "store"))
    assert target.read_bytes() == b"1" and store.find("a") is None
    assert not store.link("a", "below/one", str(tmp_path / "night" / "two"))


def test_where_links_are_impossible_it_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    store = ShardStore(str(tmp_path / "store"))
    entry = _put(store, "a", b"1")
    assert store.link("a", "below/one", str(tmp_path / "one"))
    assert (tmp_path / "one").read_bytes() == b"1"
    assert (tmp_path / "one").stat().st_ino != Path(entry, "below", "one").stat().st_ino


def test_a_remote_entry_is_found_only_when_sealed(tfx_ready: None) -> None:
    from tfx.dsl.io import fileio

    folder = "ram://shard-store"
    store = ShardStore(folder)
    staged = store.staged()
    with fileio.open(f"{staged}/one", "w") as f:
        f.write("1")
    fileio.makedirs(f"{folder}/half")
    with fileio.open(f"{folder}/half/one", "w") as f:
        f.write("1")
    assert store.find("half") is None
    entry = store.put("a", staged)
    assert store.find("a") == entry and not fileio.exists(staged)
    assert store.link("a", "one", f"{folder}/linked")
    with fileio.open(f"{folder}/linked", "r") as f:
        assert f.read() == "1"


def test_without_a_folder_nothing_is_kept() -> None:
    store = ShardStore("")
    assert store.find("a") is None and not store.link("a", "one", "/nowhere")
    with pytest.raises(ValueError, match="folder must be named"):
        store.staged()


def test_forgetting_leaves_what_cannot_be_computed_again(tmp_path: Path) -> None:
    _put(ShardStore(str(tmp_path / "examples")), "a", b"1")
    _put(ShardStore(str(tmp_path / shard_store.MEMORY)), "b", b"1")
    shard_store.forget(str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == [shard_store.MEMORY]
    shard_store.forget(str(tmp_path / "absent"))
    shard_store.forget("")


def test_asking_for_an_entry_marks_it_as_used(tmp_path: Path) -> None:
    store = ShardStore(str(tmp_path))
    entry = store.put("k", store.staged())
    os.utime(entry, (1.0, 1.0))
    assert store.find("other") is None and os.stat(entry).st_mtime == 1.0
    assert store.find("k") == entry and os.stat(entry).st_mtime > 1.0
