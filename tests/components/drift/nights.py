"""Nights made by hand: what ImageExampleGen records of each example, as tables and as files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from components.drift.records import CHAMPION, WINDOW, Ingested, Night, Sample

CLASSES = ("bee", "cat", "dog", "eel", "fox")
_SIZES = np.array([(375, 500), (500, 375), (333, 500), (480, 640)])


def table(count: int, seed: int = 0, span: str = "span-1", **changed: Any) -> pd.DataFrame:
    """Returns records of photos of one population; `changed` replaces columns."""
    rng = np.random.default_rng(seed)
    sizes = _SIZES[rng.choice(4, count, p=[0.5, 0.2, 0.2, 0.1])]
    ids = [f"{span}/{seed}-{i}.jpg" for i in range(count)]
    columns = {
        "id": ids,
        "span": span,
        "split": rng.choice(["train", "eval"], count, p=[0.8, 0.2]),
        "label": rng.choice(CLASSES, count),
        "digest": [hashlib.sha256(name.encode()).hexdigest() for name in ids],
        "shard": "data_tfrecord-00000-of-00001",
        "height": sizes[:, 0],
        "width": sizes[:, 1],
        "channels": rng.choice([1, 3], count, p=[0.05, 0.95]),
        "format": rng.choice(["JPEG", "PNG", "GIF"], count, p=[0.9, 0.09, 0.01]),
        "brightness": rng.beta(4, 5, count),
    }
    return pd.DataFrame({**columns, **changed})


def night(
    new: pd.DataFrame,
    window: pd.DataFrame | None = None,
    champion: pd.DataFrame | None = None,
    rejected: tuple[int, int] = (0, 0),
) -> Night:
    """Returns a night of these tables; `rejected` counts the newest and the others."""
    references = {WINDOW: window, CHAMPION: champion}
    return Night(
        newest=Sample(name="the newest span", table=new, rejected=rejected[0]),
        references={
            name: Sample(name=f"the {name}", table=rows, rejected=rejected[1])
            for name, rows in references.items()
            if rows is not None
        },
        trained_on=None,
        notes=(),
    )


def spans_of(rows: pd.DataFrame, rejected: dict[str, int] | None = None) -> list[dict[str, Any]]:
    """Returns `spans.json` of a table; the last span by name is the newest."""
    names = sorted(rows["span"].unique())
    counts = rejected or {}
    return [
        {"span": name, "newest": name == names[-1], "rejected": counts.get(name, 0)}
        for name in names
    ]


def ingested(rows: pd.DataFrame, rejected: tuple[str, ...] = ()) -> Ingested:
    """Returns what is read of an artifact with these records."""
    return Ingested(table=rows, spans=spans_of(rows), rejected=frozenset(rejected))


def write(folder: Path, rows: pd.DataFrame, rejected: tuple[str, ...] = ()) -> str:
    """Writes a `rejected` artifact as ImageExampleGen does; returns its URI."""
    (folder / "records").mkdir(parents=True)
    half = len(rows) // 2
    for part, shard in enumerate((rows[:half], rows[half:])):
        stored = shard.assign(digest=shard["digest"].map(bytes.fromhex))
        stored.to_parquet(folder / "records" / f"part-{part:05d}.parquet")
    (folder / "spans.json").write_text(json.dumps(spans_of(rows)))
    lines = [json.dumps({"id": name, "split": "train", "reason": "damaged"}) for name in rejected]
    (folder / "rejected.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return str(folder)
