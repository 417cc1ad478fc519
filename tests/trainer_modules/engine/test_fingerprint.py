"""What changes a fingerprint of code or files, and what does not."""

import hashlib
import os
from pathlib import Path

import pytest

from trainer_modules.engine import fingerprint


def test_code_counts_but_comments_layout_and_docstrings_do_not(write) -> None:
    def key(text: str) -> str:
        return fingerprint.of_code("components.a", root=write(a=text))

    first = key('"""What."""\nx = 1\n')
    assert key('"""Other."""\n# why\nx  =  1\n') == first
    assert key("x = 2\n") != first
    with pytest.raises(ModuleNotFoundError, match=r"components\.gone"):
        fingerprint.of_code("components.gone")


def test_what_others_wrote_is_left_to_the_lock_file() -> None:
    assert fingerprint.of_code("tfx.dsl:Any") == fingerprint.of_code()


def test_data_that_code_names_counts_byte_by_byte(write) -> None:
    root = write(a="PATH = 'words.txt'\n")
    words = root / "components" / "words.txt"
    keys = []
    for contents in (b"one\n", b"one\r\n", b"# one\n", b"one\n"):
        words.write_bytes(contents)
        keys.append(fingerprint.of_code("components.a", root=root))
    assert keys[0] == keys[3] and len(set(keys)) == 3


def test_a_file_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    contents = bytes(range(256)) * 5000  # more than is read at once
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).write_bytes(contents)
        expected = hashlib.sha256(contents).hexdigest()[:16]
        assert fingerprint.of_path(str(tmp_path / name)) == expected


def test_a_folder_is_known_by_its_files_names_and_bytes(tmp_path: Path) -> None:
    def key(**files: str) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return fingerprint.of_path(str(folder))

    first = key(a="1", variables__b="2", assets__c="3")
    assert key(assets__c="3", variables__b="2", a="1") == first
    for other in (
        key(a="1", variables__b="2", assets__c="4"),
        key(a="1", variables__b="2", assets__d="3"),
        key(a="1", variables__b="2", variables__c="3"),
        key(a="1", variables__b="2"),
    ):
        assert other != first


class _Listed:
    """What `os.scandir` returns, in an order of its own."""

    def __init__(self, path: str, backwards: bool) -> None:
        with _scandir(path) as entries:
            self._entries = iter(sorted(entries, key=lambda e: e.name, reverse=backwards))

    def __iter__(self):
        return self._entries

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None: ...


_scandir = os.scandir


def test_the_order_in_which_a_disk_lists_files_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "one/c", "two/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    keys = set()
    for backwards in (False, True):
        monkeypatch.setattr(os, "scandir", lambda path, way=backwards: _Listed(path, way))
        keys.add(fingerprint.of_path(str(tmp_path)))
    assert len(keys) == 1
