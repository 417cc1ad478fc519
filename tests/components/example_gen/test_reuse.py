"""Night after night: what is reused equals what a first night would have made."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.example_gen.readers import path_table
from tests.components.example_gen.conftest import encoded, picture, write
from tests.components.example_gen.nights import Night, pets

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the images that are read, in a list that fills."""
    paths: list[str] = []
    read = path_table.ImageFileReader.read

    def spy(self: Any, item: Any) -> Any:
        paths.append(item.id)
        return read(self, item)

    monkeypatch.setattr(path_table.ImageFileReader, "read", spy)
    return paths


def test_the_second_night_reads_only_what_is_new(
    tmp_path: Path, night: Callable[..., Night], reads: list[str]
) -> None:
    pets(tmp_path / "data", 0, 30)
    first = night(tmp_path / "data")
    assert len(reads) == 60, "hashed, then decoded"
    reads.clear()
    pets(tmp_path / "data", 30, 33)
    second = night(tmp_path / "data")
    assert sorted(reads) == sorted(["dog/30.png", "cat/31.png", "dog/32.png"] * 2)
    old = {name: inode for name, inode in first.shards.items() if "0" * 16 not in name}
    assert old.items() <= second.shards.items(), "linked, not written"
    reads.clear()
    assert night(tmp_path / "data").answer == second.answer and not reads
    assert second.answer == night(tmp_path / "data", reuse=False).answer


def test_a_touched_file_is_hashed_and_not_decoded(
    tmp_path: Path, night: Callable[..., Night], reads: list[str]
) -> None:
    pets(tmp_path / "data", 0, 10)
    first = night(tmp_path / "data")
    os.utime(tmp_path / "data" / "dog" / "0.png", ns=(5, 5))
    reads.clear()
    second = night(tmp_path / "data")
    assert reads == ["dog/0.png"] and second.shards.items() >= first.shards.items()


def test_a_new_class_leaves_the_shards_of_the_old_ones(
    tmp_path: Path, night: Callable[..., Night], reads: list[str]
) -> None:
    from trainer_modules.engine.problems import Classification
    from trainer_modules.engine.task import overrides

    pets(tmp_path / "data", 0, 10)
    night(tmp_path / "data")
    write(tmp_path / "data" / "bird" / "b.png", encoded(picture(99)))
    reads.clear()
    wider = Classification(classes=("bird", "cat", "dog"))
    later = night(tmp_path / "data", problem=overrides.to_json(wider))
    assert set(reads) == {"bird/b.png"}
    assert later.summary["classes"]["train"].keys() <= {"bird", "cat", "dog"}
    # Back to two classes: the bird is no class of the problem.
    assert set(night(tmp_path / "data").rejected) == {"bird/b.png"}


def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path,
    night: Callable[..., Night],
    reads: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from components.example_gen import manifest, summary

    monkeypatch.setattr(manifest, "_PART", 10)
    pets(tmp_path / "data", 0, 30)
    gather = summary.gather

    def killed(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(summary, "gather", killed)
    with pytest.raises(KeyboardInterrupt):
        night(tmp_path / "data")
    monkeypatch.setattr(summary, "gather", gather)
    # One part was not finished.
    entries = sorted((tmp_path / "store" / "examples").iterdir())
    assert len(entries) == 3
    shutil.rmtree(entries[0])
    reads.clear()
    again = night(tmp_path / "data")
    assert 0 < len(reads) < 20
    assert again.answer == night(tmp_path / "data", reuse=False).answer
    assert not [p for p in (tmp_path / "store").rglob(".staged*")]


def test_what_could_not_be_read_is_tried_again(
    tmp_path: Path, night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.example_gen.readers import storage

    pets(tmp_path / "data", 0, 6)
    read = storage.read

    def flaky(path: str, limit: int = -1) -> bytes:
        if path.endswith("/3.png"):
            raise OSError(5, "Input/output error")
        return read(path, limit)

    monkeypatch.setattr(storage, "read", flaky)
    first = night(tmp_path / "data")
    assert first.rejected == {"cat/3.png": "cannot be read: Input/output error"}
    monkeypatch.setattr(storage, "read", read)
    assert night(tmp_path / "data").answer == night(tmp_path / "data", reuse=False).answer


def _change(data: Path, rng: random.Random, step: int) -> None:
    """One of the things that happen to a folder between two nights."""
    files = sorted(p for p in data.rglob("*.png"))
    chosen = rng.choice(files)
    kind = rng.choice(["add", "remove", "change", "rename", "relabel", "copy", "touch", "break"])
    spans = sorted(p for p in data.iterdir())
    target = rng.choice(spans) / rng.choice(["cat", "dog"]) / f"new-{step}.png"
    if kind == "add":
        write(target, encoded(picture(1000 + step)))
    elif kind == "remove" and len(files) > 6:
        chosen.unlink()
    elif kind == "change":
        write(chosen, encoded(picture(2000 + step)))
    elif kind in ("rename", "relabel"):
        target.parent.mkdir(parents=True, exist_ok=True)
        chosen.rename(chosen.with_name(f"r{step}.png") if kind == "rename" else target)
    elif kind == "copy":
        write(target, chosen.read_bytes())
    elif kind == "touch":
        os.utime(chosen, ns=(step + 1, step + 1))
    elif kind == "break":
        write(chosen, b"no image")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.slow
def test_random_nights_equal_first_nights(
    tmp_path: Path, night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    from components.example_gen import manifest

    monkeypatch.setattr(manifest, "_PART", 8)
    monkeypatch.setattr(manifest, "_TINY", 4)
    monkeypatch.setattr(manifest, "_MOST_TINY", 2)
    rng = random.Random(seed)
    data = tmp_path / "data"
    for span in (2, 3):
        pets(data / f"span-{span}", 20 * span, 20 * span + 20)
    for step in range(8):
        for change in range(rng.randrange(4)):
            _change(data, rng, 10 * step + change)
        if step == 2:
            pets(data / "span-4", 100, 112)
        if step == 4:
            pets(data / "span-1", 50, 62)  # Late, and half of it is in span 2.
        if step == 5:
            shutil.copytree(data / "span-4", data / "span-5")  # Delivered twice.
        window = rng.choice(["newest", "2", "all"])
        root = f"{data}/span-{{SPAN}}"
        reused = night(root, window=window)
        assert reused.answer == night(root, reuse=False, window=window).answer, (step, window)
