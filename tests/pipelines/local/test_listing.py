"""Listings of folders: what they tell apart."""

import os
import time
from pathlib import Path

import pytest

from pipelines.local import listing
from pipelines.local.listing import Watched


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / "1.jpg").write_bytes(b"one")
    (folder / "cat" / "2.jpg").write_bytes(b"two")
    return folder


def _replace(path: Path) -> None:
    """Another file of the same name, size and time, as `rsync --times` may bring it."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.unlink()
    path.write_bytes(b"ONE")
    os.utime(path, ns=times)


_CHANGES = {
    "added": lambda f: (f / "cat" / "3.jpg").touch(),
    "hidden": lambda f: (f / ".split").touch(),
    "removed": lambda f: (f / "cat" / "1.jpg").unlink(),
    "renamed": lambda f: (f / "cat" / "1.jpg").rename(f / "cat" / "0.jpg"),
    "moved": lambda f: (f / "cat" / "1.jpg").rename(f / "1.jpg"),
    "grown": lambda f: (f / "cat" / "1.jpg").write_bytes(b"one more"),
    "touched": lambda f: os.utime(f / "cat" / "1.jpg"),
    "replaced": lambda f: _replace(f / "cat" / "1.jpg"),
    "an empty folder": lambda f: (f / "dog").mkdir(),
    "gone": lambda f: f.rename(f.with_name("away")),
    "a dead link": lambda f: (f / "3.jpg").symlink_to("nowhere"),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_a_change_is_told(folder: Path, change: str) -> None:
    before = listing.of([str(folder)])
    assert before.files == 2 and listing.of([str(folder)]) == before
    _CHANGES[change](folder)
    assert listing.of([str(folder)]).digest != before.digest


def test_a_hard_link_is_a_change_only_where_it_is_to_be(folder: Path) -> None:
    before, moved = (listing.of([str(folder)], moved=moved) for moved in (False, True))
    os.link(folder / "cat" / "1.jpg", folder.parent / "link")
    assert listing.of([str(folder)], moved=False).digest == before.digest
    assert listing.of([str(folder)]).digest != moved.digest


def test_links_are_followed_and_a_circle_ends(folder: Path) -> None:
    (folder / "self").symlink_to(folder)
    far = folder.parent / "far.jpg"
    far.write_bytes(b"far")
    (folder / "far.jpg").symlink_to(far)
    before = listing.of([str(folder)])
    far.write_bytes(b"farther")
    assert listing.of([str(folder)]).digest != before.digest


def test_the_last_change_is_the_kernels_and_counts_what_was_removed(folder: Path) -> None:
    old = listing.of([str(folder)]).changed
    assert old == max(p.stat().st_ctime for p in (folder, *folder.rglob("*")))
    (folder / "cat" / "1.jpg").unlink()
    os.utime(folder / "cat", (0, 0))
    assert listing.of([str(folder)]).changed == (folder / "cat").stat().st_ctime > 0


def test_a_folder_that_may_not_be_listed_is_no_state(folder: Path, monkeypatch) -> None:
    def refused(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(OSError, match="Permission denied"):
        listing.of([str(folder)])


def test_a_new_span_is_told_and_an_old_one_is_not_looked_at(tmp_path: Path) -> None:
    for span in (1, 2):
        (tmp_path / f"span-{span}").mkdir()
    watched = Watched((f"{tmp_path}/span-*",), (f"{tmp_path}/span-2",))
    before = watched.listing()
    (tmp_path / "span-1" / "late.jpg").touch()
    (tmp_path / "notes").mkdir()
    assert watched.listing().digest == before.digest
    (tmp_path / "span-3").mkdir()
    assert watched.listing().digest != before.digest


def test_a_span_that_comes_while_the_run_begins_is_recent_though_not_yet_a_place(
    tmp_path: Path,
) -> None:
    (tmp_path / "span-1").mkdir()
    time.sleep(0.05)  # Several ticks of a file system's clock.
    (tmp_path / "span-2").mkdir()
    watched = Watched((f"{tmp_path}/span-*",), (f"{tmp_path}/span-1",))
    assert watched.listing().changed == (tmp_path / "span-2").stat().st_ctime
