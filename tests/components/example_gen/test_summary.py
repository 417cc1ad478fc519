"""The summary of ingestion, and its list of the images that were converted."""

import hashlib
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from components.example_gen import summary
from components.example_gen.manifest import Part
from components.example_gen.places import Place
from components.example_gen.root import Span
from tests.components.example_gen.conftest import encoded, picture, write
from tests.components.example_gen.foreign_formats import FOUND
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import Classification, Segmentation
from trainer_modules.engine.task.sources import ImageFolders, ImagesAndMasks

PETS = Classification(classes=("cat", "dog"))
LAYOUT = ImageFolders(train="train", eval="valid")


def test_each_becomes_png_and_is_listed(ingest, tmp_path: Path) -> None:
    for name, (contents, *_) in FOUND.items():
        write(tmp_path / "data" / "train" / "cat" / name, contents)
    plain = encoded(picture(20), "JPEG")
    write(tmp_path / "data" / "train" / "dog" / "plain.jpg", plain)
    write(tmp_path / "data" / "valid" / "dog" / "held_out.ppm", encoded(picture(21), "PPM"))
    # The same file again: content as found decides, not what it was converted to.
    write(tmp_path / "data" / "train" / "dog" / "copy.ppm", encoded(picture(21), "PPM"))
    found = ingest(tmp_path / "data", LAYOUT, PETS)
    assert not found.rejected
    for name, (contents, form, channels, _) in FOUND.items():
        row = found.splits["train"][f"train/cat/{name}"]
        converted = formats.convert(contents)
        assert converted is not None and row["image"] == converted.png, name
        assert (row["format"], row["channels"]) == (form, channels), name
        shown = np.asarray(Image.open(io.BytesIO(row["image"])))
        assert (row["height"], row["width"]) == shown.shape[:2], name
    assert found.splits["train"]["train/cat/scan.tiff"]["height"] == 12, "upright"
    assert found.splits["train"]["train/dog/plain.jpg"]["image"] == plain
    assert found.summary["duplicates"]["count"] == 1
    lines = (tmp_path / "ingested-0" / "converted.jsonl").read_text().splitlines()
    listed = {row["id"]: row for row in map(json.loads, lines)}
    expected = {f"train/cat/{n}": (f.decode(), note) for n, (_, f, _, note) in FOUND.items()}
    expected["valid/dog/held_out.ppm"] = ("PPM", "")
    assert {i: (row["format"], row["note"]) for i, row in listed.items()} == expected
    assert listed["valid/dog/held_out.ppm"]["split"] == "eval"
    assert found.summary["converted"]["count"] == len(expected)
    assert {row["id"] for row in found.summary["converted"]["listed"]} == set(expected)
    assert found.summary["formats"]["TIFF"] == 3


def test_nothing_converted_is_an_empty_list(ingest, tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write(tmp_path / "data" / split / "cat" / f"{split}.png", encoded(picture(len(split))))
    found = ingest(tmp_path / "data", LAYOUT, PETS)
    assert found.summary["converted"] == {"count": 0, "listed": []}
    assert (tmp_path / "ingested-0" / "converted.jsonl").read_text() == ""


def test_images_and_masks_may_be_tiff_and_ppm(ingest, tmp_path: Path) -> None:
    mask = Image.fromarray(np.arange(120, dtype=np.uint8).reshape(10, 12) % 2)
    kinds = (("train", "TIFF", "tif"), ("val", "PPM", "ppm"))
    for split, form, ending in kinds:
        image = encoded(picture(len(split)), form)
        write(tmp_path / "data" / split / f"a.{ending}", image)
        write(tmp_path / "data" / f"{split}annot" / f"a.{ending}", encoded(mask, form))
    write(tmp_path / "data" / "train" / "b.tif", encoded(picture(9), "TIFF"))
    lossy = encoded(mask, "TIFF", compression="jpeg")
    write(tmp_path / "data" / "trainannot" / "b.tif", lossy)
    source = ImagesAndMasks(test=("", ""))
    found = ingest(tmp_path / "data", source, Segmentation(classes=("night", "day")))
    assert set(found.examples) == {"train/a.tif", "val/a.ppm"}
    assert "mask must be lossless" in found.rejected["train/b.tif"]
    for row in found.examples.values():
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(row["mask"]))), mask)


def _part(work: Path, number: int, counts: list, **lines: list[dict]) -> Part:
    """Writes what `writing.write_part` leaves of a part."""
    write(work / f"contents-{number:05d}.json", json.dumps({"shards": {}, "counts": counts}))
    for name in ("rejected", "converted", "duplicates", "left-out"):
        text = "".join(json.dumps(line) + "\n" for line in lines.get(name, []))
        write(work / f"{name}-{number:05d}.jsonl", text)
    rows = pa.table({"digest": [bytes([number]) * 32], "label": ["cat"], "split": ["train"]})
    (work / "records").mkdir(exist_ok=True)
    pq.write_table(rows, work / "records" / f"{number:05d}.parquet")
    return Part(number=number, place=0, key=f"{number}")


def test_parts_are_added_up_and_lists_are_cut_but_counts_are_not(
    tfx_ready: None, tmp_path: Path
) -> None:
    copies = [{"id": f"{i}.png", "kept": "a.png", "split": "train"} for i in range(700)]
    parts = []
    for number in range(2):
        counts = [
            ["example", "train", "", 5 + number],
            ["class", "train", "cat", 3],
            ["class", "train", "dog", number],
            ["format", "", "JPEG", 5 + number],
            ["rejected", "train", "", 1],
        ]
        bad = [{"id": f"ä{number}.png", "split": "train", "reason": "is empty (0 bytes)"}]
        left_out = [{"id": f"beside{i}", "split": "", "reason": "no class"} for i in range(number)]
        lists = {"rejected": bad, "duplicates": copies, "left-out": left_out}
        parts.append(_part(tmp_path / "work", number, counts, **lists))
    output = tmp_path / "rejected"
    output.mkdir()
    reader = SimpleNamespace(splits=("train", "eval"))
    places = (Place(reader=reader, span=Span(folder="span-07", number=7)),)  # type: ignore[arg-type]
    found = summary.gather(str(tmp_path / "work"), parts, places, str(output))
    assert found == json.loads((output / "summary.json").read_text(encoding="utf-8"))
    assert found["counts"] == {"train": 11, "eval": 0}
    assert (found["rejected"], found["rejected_per_split"]) == (3, {"": 1, "train": 2})
    assert found["classes"] == {"train": {"cat": 6, "dog": 1}, "eval": {}}
    assert found["formats"] == {"JPEG": 11}
    assert found["duplicates"]["count"] == 1400
    assert found["duplicates"]["listed"] == (copies + copies)[:1000]
    assert found["converted"] == {"count": 0, "listed": []}
    rows = [json.loads(line) for line in (output / "rejected.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["ä0.png", "ä1.png", "beside0"], "part by part"
    (span,) = json.loads((output / "spans.json").read_text())
    content = b"".join(bytes([number]) * 32 + b"\ncat\ntrain\n" for number in range(2))
    assert span == {
        **{"span": "span-07", "number": 7, "version": None, "newest": True, "judged": False},
        **{"counts": found["counts"], "classes": found["classes"], "rejected": 3},
        **{"duplicates": 1400, "sha256": hashlib.sha256(content).hexdigest()},
    }
    assert len(list((output / "records").iterdir())) == 2
