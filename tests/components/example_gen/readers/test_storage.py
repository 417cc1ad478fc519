"""Listing and reading, on this machine and through TensorFlow's remote file systems."""

import os

import pytest
import tensorflow as tf

from components.example_gen.readers import storage
from tests.components.example_gen.conftest import write


def test_remote_folders_list_like_local_ones(tmp_path):
    names = ["a/b/c.png", "a/x.png", ".git/config", "a/.hidden", "__MACOSX/x.png", "z.png"]
    for name in names:
        write(tmp_path / name, name)
        tf.io.gfile.makedirs(os.path.dirname(f"ram://bucket/{name}"))
        with tf.io.gfile.GFile(f"ram://bucket/{name}", "w") as f:
            f.write(name)
    local = [(e.relative, e.size) for e in storage.files(str(tmp_path))]
    remote = [(e.relative, e.size) for e in storage.files("ram://bucket")]
    assert local == [("a/b/c.png", 9), ("a/x.png", 7), ("z.png", 5)]
    assert sorted(remote) == sorted(local)
    assert storage.subfolders("ram://bucket") == storage.subfolders(str(tmp_path)) == ["a"]
    assert storage.read("ram://bucket/a/x.png", 3) == b"a/x"


def test_missing_remote_file_is_an_os_error():
    with pytest.raises(OSError, match="nothing"):
        storage.read("ram://bucket/nothing")


def test_names_stay_different_when_made_printable():
    names = ["caf\udce9", "caf\\udce9", "café", "caf\udce9\\", "a/b"]
    shown = [storage.printable(n) for n in names]
    assert shown == [r"caf\udce9", r"caf\\udce9", "café", r"caf\udce9\\", "a/b"]
    for text in shown:
        text.encode()


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path, monkeypatch):
    write(tmp_path / "a" / "x.png", "x")
    write(tmp_path / "b" / "y.png", "y")
    scandir = os.scandir

    def deny(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    found = {e.relative: e.problem for e in storage.files(str(tmp_path))}
    assert found == {"a/": "cannot be listed: Permission denied", "b/y.png": ""}
