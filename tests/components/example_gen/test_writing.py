"""One part of the data: hashed, written, and every example that is left out counted."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import tensorflow as tf

from components.example_gen import hashing, manifest, shard_files, writing
from components.example_gen.duplicates import Drop, Relabel
from components.example_gen.manifest import Part
from components.example_gen.memory import Memory
from components.example_gen.places import Place
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import PETS, encoded, parse, picture, write
from trainer_modules.engine.task.sources import HashSplit, ImageFolders

pytestmark = pytest.mark.usefixtures("tfx_ready")
SPLIT = HashSplit(eval=0.4, test=0.2)
COUNT = 40


def _part(root: Path, source: object, problem: object) -> tuple[Place, Part, str]:
    """Returns a place, its only part, and the folder of its list of work."""
    place = Place(reader=reader_for(str(root), source, problem))
    work = str(root.parent / "work")
    (part,) = manifest.write((place,), work, Memory(""))
    return place, part, work


def _hashed(content: bytes) -> str:
    """The documented rule: the first eight bytes of the SHA-256, as a fraction of 2^64."""
    point = int(hashlib.sha256(content).hexdigest()[:16], 16) / 2**64
    return "test" if point < 0.2 else "eval" if point < 0.6 else "train"


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, bytes]:
    """Returns id → content of what lies in `data`."""
    contents = {
        f"{'cat' if i % 2 else 'dog'}/{i}.png": encoded(picture(i, (2, 2))) for i in range(COUNT)
    }
    for name, content in contents.items():
        write(tmp_path / "data" / name, content)
    return contents


def test_a_fingerprint_is_the_sha256_with_split_and_label(pictures, tmp_path: Path) -> None:
    write(tmp_path / "data" / "cat" / "empty.png", b"")
    place, part, work = _part(tmp_path / "data", ImageFolders(splits=SPLIT), PETS)
    copies = {
        copy.key: (digest, copy)
        for digest, copy in hashing.fingerprints(place, part, work, Memory(""))
    }
    # Without content there is nothing that could be a copy of anything.
    assert set(copies) == set(pictures)
    for key, (digest, copy) in copies.items():
        assert digest == hashlib.sha256(pictures[key]).digest()
        assert (copy.split, copy.label) == (_hashed(pictures[key]), key.split("/")[0])


def test_each_example_is_written_once_or_listed_with_its_reason(pictures, tmp_path: Path) -> None:
    write(tmp_path / "data" / "cat" / "bad.png", b"no image")
    write(tmp_path / "data" / "dog" / "scan.ppm", encoded(picture(99), "PPM"))
    place, part, work = _part(tmp_path / "data", ImageFolders(splits=SPLIT), PETS)
    folders = {split: str(tmp_path / split) for split in place.splits}
    for folder in folders.values():
        Path(folder).mkdir()
    drops = {
        "dog/0.png": Drop(kept="cat/1.png"),
        "dog/2.png": Drop(kept="", reason="same bytes labelled otherwise"),
        "dog/4.png": Relabel("cat"),
    }
    assert list(hashing.fingerprints(place, part, work, Memory("")))
    writing.write_part(place, PETS, work, part, folders, Memory(""), drops)

    written = {}
    for split, folder in folders.items():
        (file,) = Path(folder).iterdir()
        assert re.fullmatch(r"data_tfrecord-[0-9a-f]{16}", file.name)
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            row = parse(record)
            written[row["id"].decode()] = (split, row["label"].decode())
    kept = set(pictures) - {"dog/0.png", "dog/2.png"}
    expected = {name: (_hashed(pictures[name]), name.split("/")[0]) for name in kept}
    expected["dog/4.png"] = (_hashed(pictures["dog/4.png"]), "cat")
    scan = written.pop("dog/scan.ppm")
    assert written == expected
    assert {split for split, _ in expected.values()} == {"train", "eval", "test"}

    def lines(*names: str) -> dict[str, dict]:
        texts = [Path(work, f"{name}-00000.jsonl").read_text(encoding="utf-8") for name in names]
        return {row.pop("id"): row for row in map(json.loads, "".join(texts).splitlines())}

    # The split of what is no example is unknown: without it, content decides.
    rejected = lines("rejected", "left-out")
    assert set(rejected) == {"cat/bad.png", "dog/2.png"}
    assert (
        rejected["cat/bad.png"]["split"] == ""
        and "not an image" in (rejected["cat/bad.png"]["reason"])
    )
    assert rejected["dog/2.png"]["reason"] == "same bytes labelled otherwise"
    split = _hashed(pictures["dog/0.png"])
    assert lines("duplicates") == {"dog/0.png": {"kept": "cat/1.png", "split": split}}
    assert lines("converted") == {"dog/scan.ppm": {"split": scan[0], "format": "PPM", "note": ""}}
    counts = {tuple(k): n for *k, n in shard_files.read_contents(work, part)["counts"]}
    assert counts["rejected", "", ""] == 1 and counts["format", "", "PPM"] == 1
    examples = [n for (kind, *_), n in counts.items() if kind == "example"]
    assert sum(examples) == len(expected) + 1
    cats = [n for (kind, _, name), n in counts.items() if (kind, name) == ("class", "cat")]
    assert sum(cats) == COUNT // 2 + 1
