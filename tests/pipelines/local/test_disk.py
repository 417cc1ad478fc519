"""The disk of a name by component."""

import os
import time
from pathlib import Path

import pytest

from pipelines.local import disk
from pipelines.local.sizes import in_words


def _write(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def _used(root: Path) -> dict[str, int]:
    return disk.used(str(root / "digits"), str(root / "serving" / "digits"))


def test_every_component_and_what_lies_beside(tmp_path: Path) -> None:
    own = tmp_path / "digits"
    _write(own / "artifacts/Trainer/model/9/a/b", 300)
    _write(own / "artifacts/Trainer/model_run/9/c", 50)
    _write(own / "artifacts/Transform/graph/8/d", 20)
    _write(own / "artifacts/Transform/.system/executor_execution/8/e", 1)
    _write(own / "runs/x/summary.json", 7)
    _write(own / "report/index.html", 3)
    _write(own / "logs/x.log", 5)
    _write(own / "metadata.sqlite", 11)
    _write(tmp_path / "serving/digits/1/saved_model.pb", 100)
    expected = {"Trainer": 350, "served": 100, "Transform": 21, "metadata": 11, "archives": 10}
    assert _used(tmp_path) == {**expected, "logs": 5, "total": 497}
    assert next(iter(_used(tmp_path))) == "Trainer" and disk.used("/nowhere", "/nowhere") == {}


def test_a_file_with_several_names_counts_once(tmp_path: Path) -> None:
    own = tmp_path / "digits"
    shard = _write(own / "artifacts/store/raw/key/shard", 1000)
    for night in range(3):
        place = own / f"artifacts/ImageExampleGen/examples/{night}/shard"
        place.parent.mkdir(parents=True)
        os.link(shard, place)
    for _ in range(2):  # The second time from the cache.
        assert _used(tmp_path) == {"ImageExampleGen": 1000, "total": 1000}


def test_only_what_is_new_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "digits"
    for night in range(3):
        _write(own / f"artifacts/Trainer/model/{night}/f", 10)
    _used(tmp_path)
    _write(own / "artifacts/Trainer/model/3/f", 10)
    looked = []
    original = disk.files
    monkeypatch.setattr(disk, "files", lambda f: looked.append(Path(f).name) or original(f))
    assert _used(tmp_path)["Trainer"] == 40
    assert [name for name in looked if name.isdigit()] == ["3"]
    (own / disk.CACHE).write_text("torn")
    assert _used(tmp_path)["Trainer"] == 40


def test_many_files_cost_nothing_the_second_time(tmp_path: Path) -> None:
    """As predictions of masks leave them; a night must not wait for counting."""
    folder = tmp_path / "digits/artifacts/BulkPredict/masks/1"
    folder.mkdir(parents=True)
    for number in range(3_000):
        os.close(os.open(folder / f"{number}.png", os.O_CREAT))
    _used(tmp_path)
    begin = time.monotonic()
    _used(tmp_path)
    assert time.monotonic() - begin < 0.05


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.2 KB"), (45_600_000, "46 MB"), (9_990_000, "10 MB")],
)
def test_sizes_in_words(size: int, text: str) -> None:
    assert in_words(size) == text


def test_no_size_and_a_huge_one() -> None:
    assert in_words(None) == "–" and in_words(5 * 10**15) == "5,000 TB"
