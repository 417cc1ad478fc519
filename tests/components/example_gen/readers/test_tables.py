"""Tables of numbers, CSV and NumPy."""

import numpy as np
import pytest

from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import ids, write
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task.sources import (
    HashSplit,
    Table,
)

HOUSES = Regression(target="price")


def test_csv_table(ingest, tmp_path):
    rows = [f"{3 + i / 10},{20 + i},old,{'test' if i > 37 else ''}" for i in range(40)]
    rows += ["many,50,new,", "4,,new,", "4,nan,new,", "4,50,new,tset", rows[0]]
    write(tmp_path / "data.csv", "rooms,price,age,split\n" + "\n".join(rows))
    found = ingest(tmp_path, Table(splits=HashSplit(eval=0.3)), HOUSES, ("rooms",))
    assert ids(found, "test") == {"data.csv:40", "data.csv:41"}
    assert 3 <= found.summary["counts"]["eval"] <= 22
    row = found.examples["data.csv:2"]
    assert (row["rooms"], row["price"]) == (pytest.approx(3.0), pytest.approx(20.0))
    assert set(row) == {"id", "rooms", "price"}
    assert found.rejected["data.csv:42"] == "not a finite number: column 'rooms' is 'many'"
    assert set(found.rejected) == {f"data.csv:{n}" for n in (42, 43, 44, 45)}
    assert "data.csv:46" in found.examples, "equal rows may be two observations"
    assert found.summary["duplicates"]["count"] == 0


def test_npz_table(ingest, tmp_path):
    np.savez(tmp_path / "data.npz", rooms=np.arange(20.0), price=np.arange(20) * 2)
    found = ingest(tmp_path, Table(file="*.npz", splits=HashSplit(eval=0.3)), HOUSES, ("rooms",))
    assert sum(found.summary["counts"].values()) == 20
    assert found.examples["data.npz:7"]["price"] == pytest.approx(14.0)


def test_tables_that_are_none(tmp_path):
    write(tmp_path / "data.csv", "rooms,price\n")
    with pytest.raises(BadInputError, match="has no rows"):
        reader_for(str(tmp_path), Table(), HOUSES, ("rooms",))
    np.savez(tmp_path / "matrix.npz", rooms=np.zeros((3, 2)), price=np.zeros(3))
    with pytest.raises(BadInputError, match="all of the same length"):
        reader_for(str(tmp_path), Table(file="matrix.npz"), HOUSES, ("rooms",))
    write(tmp_path / "broken.npz", b"PK\x03\x04 and no more")
    with pytest.raises(BadInputError, match=r"not a readable \.npz"):
        reader_for(str(tmp_path), Table(file="broken.npz"), HOUSES, ("rooms",))


def test_bounds_hold_for_tables_too(tmp_path):
    write(tmp_path / "data.csv", "rooms,price\n3,10\n4,-1\n5,31\n6,30\n")
    problem = Regression(target="price", least=0, most=30)
    reader = reader_for(str(tmp_path), Table(file="data.csv"), problem, ("rooms",))
    (item,) = reader.items()
    found = [getattr(one, "reason", None) or one.values["price"] for one in reader.read(item)]
    bounds = "price must be at least 0 and at most 30. Received:"
    assert found == [10.0, f"{bounds} -1.0", f"{bounds} 31.0", 30.0]
