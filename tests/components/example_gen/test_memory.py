"""What is remembered comes back as it was, names of files that are no text included."""

from pathlib import Path

import pytest

from components.example_gen.memory import Memory, Row, splits_table

pytestmark = pytest.mark.usefixtures("tfx_ready")
ROW = Row(
    **{
        "path": "/data/\udcff.png",
        "stamp": (1, 2, 0, 0),
        "key": "k",
        "id": "i",
        "digest": b"1" * 32,
    },
    **{"mask": b"", "split": "", "label": None, "slices": "{}", "empty": False},
)


def test_rows_of_a_part_come_back(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "store"))
    memory.put_rows("a", [ROW])
    assert memory.rows("a") == [ROW] and memory.rows("b") == []
    assert list(memory.stamps("a")) == [(ROW.path, ROW.stamp)] and not list(memory.stamps("b"))
    nothing = Memory("")
    nothing.put_rows("a", [ROW])
    assert nothing.rows("a") == []


def test_splits_come_back_for_their_own_root(tmp_path: Path) -> None:
    memory, table = Memory(str(tmp_path)), splits_table([(b"1" * 32, "train", 3, "i")])
    memory.remember_splits("/data", table)
    assert memory.known_splits("/data").equals(table) and not len(memory.known_splits("/other"))
