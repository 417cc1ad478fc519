"""GTSRB and CamVid as their authors publish them."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.example_gen import ingest as preparation
from components.example_gen.readers.items import by_value
from components.example_gen.readers.splits import by_hash
from tests.components.example_gen.conftest import encoded, picture, write
from trainer_modules import camvid, gtsrb
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.sources import HashSplit, ImageFolders

_HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
CLASSES, TRACKS, FRAMES = (0, 2, 14, 42), 6, 5


def _original_gtsrb(root: Path, train: str) -> Path:
    for label in CLASSES:
        folder = root / train / f"{label:05}"
        rows = ""
        for track in range(TRACKS):
            for frame in range(FRAMES):
                name = f"{track:05}_{frame:05}.ppm"
                seed = (label * 100 + track) * 100 + frame
                write(folder / name, encoded(picture(seed, (16, 15)), "PPM"))
                rows += f"{name};16;15;5;5;11;10;{label}\n"
        write(folder / f"GT-{label:05}.csv", _HEADER + rows)
    # In the order of the test set the labels are no order at all.
    rows = ""
    for i, label in enumerate((14, 0, 42, 2, 14)):
        write(
            root / "Final_Test/Images" / f"{i:05}.ppm",
            encoded(picture(900_000 + i, (16, 15)), "PPM"),
        )
        rows += f"{i:05}.ppm;16;15;5;5;11;10;{label}\n"
    write(root / "GT-final_test.csv", _HEADER + rows)
    return root


@pytest.mark.parametrize("train", ["Final_Training/Images", "Training"])
def test_original_gtsrb(ingest, tmp_path: Path, train: str) -> None:
    data = _original_gtsrb(tmp_path / "GTSRB", train)
    task, root, source = preparation.prepare(gtsrb.TASK, str(data), str(tmp_path))
    assert isinstance(source, ImageFolders) and source.train == train
    found = ingest(Path(root), source, task.problem)
    assert not found.rejected, "annotations beside the images are no images"
    assert found.summary["converted"]["count"] == len(CLASSES) * TRACKS * FRAMES + 5
    for example in (*found.splits["train"], *found.splits["eval"]):
        row = found.examples[example]
        assert int(row["label"]) == int(example.split("/")[-2]), example
        assert row["label"] == str(int(row["label"])).encode()
    labels = {i: row["label"].decode() for i, row in found.splits["test"].items()}
    expected = ("14", "0", "42", "2", "14")
    assert labels == {f"Final_Test/Images/{i:05}.ppm": label for i, label in enumerate(expected)}
    tracks = {
        split: {i.rpartition("_")[0] for i in found.splits[split]} for split in ("train", "eval")
    }
    assert tracks["eval"] and not tracks["train"] & tracks["eval"], "a track is one sign"
    assert len(tracks["train"]) + len(tracks["eval"]) == len(CLASSES) * TRACKS


def test_the_training_set_of_the_competition_comes_without_a_test_set(tmp_path: Path) -> None:
    data = _original_gtsrb(tmp_path, "Training")
    (data / "GT-final_test.csv").unlink()
    _, _, source = preparation.prepare(gtsrb.TASK, str(data), str(tmp_path))
    assert isinstance(source, ImageFolders) and (source.train, source.test) == ("Training", "")


def test_a_missing_list_of_the_test_set_is_an_error(tmp_path: Path) -> None:
    data = _original_gtsrb(tmp_path, "Final_Training/Images")
    (data / "GT-final_test.csv").unlink()
    with pytest.raises(BadInputError, match=r"GT-final_test\.csv does not exist"):
        preparation.prepare(gtsrb.TASK, str(data), str(tmp_path))


def test_the_layout_with_png_files_comes_first(tmp_path: Path) -> None:
    for split in ("Train", "Valid"):
        write(tmp_path / split / "14" / "a.png", encoded(picture(len(split))))
    write(tmp_path / "Test.csv", "Path,ClassId\nTest/0.png,14\n")
    _, _, source = preparation.prepare(gtsrb.TASK, str(tmp_path), str(tmp_path))
    assert source == gtsrb.TASK.source


@pytest.mark.parametrize(
    ("label", "classes", "found"),
    [
        ("00014", ("1", "14"), "14"),
        ("0", ("0", "00"), "0"),
        ("00", ("0", "00"), "00"),
        ("00015", ("1", "14"), "00015"),
        ("cat", ("cat",), "cat"),
        ("014", ("cat", "14a"), "014"),
        ("²", ("2",), "²"),
    ],
)
def test_numbers_are_compared_by_value_only_where_names_differ(
    label: str, classes: tuple[str, ...], found: str
) -> None:
    assert by_value(label, classes) == found


def test_zero_padded_names_are_other_names_elsewhere(ingest, tmp_path: Path) -> None:
    """Only a source that says so compares numbers: `007` may be a class of its own."""
    write(tmp_path / "data" / "train" / "00014" / "a.png", encoded(picture(1)))
    write(tmp_path / "data" / "valid" / "14" / "b.png", encoded(picture(2)))
    found = ingest(tmp_path / "data", ImageFolders(), gtsrb.TASK.problem)
    assert "Received: '00014'" in found.rejected["train/00014/a.png"]


def test_a_group_shares_a_split_and_others_go_by_content() -> None:
    fractions = HashSplit(eval=0.5, group=r"scene\d+")
    digests = [bytes([i]) * 32 for i in range(0, 256, 4)]
    for scene in range(8):
        assert len({by_hash(f"a/scene{scene}/{d[0]}.png", d, fractions) for d in digests}) == 1
    assert len({by_hash(f"scene{scene}", digests[0], fractions) for scene in range(20)}) == 2
    for d in digests:
        assert by_hash("other.png", d, fractions) == by_hash("x", d, HashSplit(eval=0.5))


def test_a_group_must_be_a_regular_expression() -> None:
    with pytest.raises(ValueError, match=r"group must be a regular expression.*Received: '\('"):
        HashSplit(group="(")


def _camvid(root: Path, images: str, masks: str, suffix: str, names: list[str]) -> None:
    colours = np.array(camvid.VARIANTS["32"].problem.colours, np.uint8)
    for i, name in enumerate(names):
        seed = zlib.crc32(f"{images}{name}".encode())
        write(root / images / f"{name}.png", encoded(picture(seed)))
        mask = colours[np.random.default_rng(i).integers(0, 32, (10, 12))]
        write(root / masks / f"{name}{suffix}.png", encoded(Image.fromarray(mask)))


@pytest.mark.parametrize(
    ("masks", "suffix"),
    [("{}annot", ""), ("{}annot", "_L"), ("{}_labels", "_L")],
)
def test_camvid_of_32_classes(ingest, tmp_path: Path, masks: str, suffix: str) -> None:
    splits = {"train": "0001TP_006690", "val": "0016E5_07959", "test": "Seq05VD_f00000"}
    for seed, (split, name) in enumerate(splits.items()):
        names = [f"{name}{seed}{i}" for i in range(2)]
        _camvid(
            tmp_path / "data" / split, "../" + split, "../" + masks.format(split), suffix, names
        )
    task = camvid.VARIANTS["32"]
    task, root, source = preparation.prepare(task, str(tmp_path / "data"), str(tmp_path))
    found = ingest(Path(root), source, task.problem)
    assert found.summary["counts"]["train"] == 2 and not found.rejected
    row = found.examples["train/0001TP_00669000.png"]
    mask = Image.open(io.BytesIO(row["mask"]))
    written = tmp_path / "data" / masks.format("train") / f"0001TP_00669000{suffix}.png"
    np.testing.assert_array_equal(np.asarray(mask), np.asarray(Image.open(written)))


def test_camvid_as_its_authors_publish_it(ingest, tmp_path: Path) -> None:
    names = [f"0001TP_{i:06}" for i in range(6690, 6690 + 30 * 200, 30)]
    _camvid(tmp_path, "701_StillsRaw_full", "LabeledApproved_full", "_L", names[::4])
    task = camvid.VARIANTS["32"]
    task, root, source = preparation.prepare(task, str(tmp_path), str(tmp_path))
    found = ingest(Path(root), source, task.problem)
    assert len(found.examples) == 50 and not found.rejected
    blocks = [{i.rpartition("/")[2][:10] for i in rows} for rows in found.splits.values()]
    assert sum(map(len, blocks)) == len(set.union(*blocks)), "neighbours share a split"


def test_a_mask_of_the_images_own_name_is_preferred(ingest, tmp_path: Path) -> None:
    _camvid(tmp_path, "train", "trainannot", "", ["a"])
    _camvid(tmp_path, "train", "trainannot", "_L", ["a"])
    _camvid(tmp_path, "val", "valannot", "_L", ["b"])
    task = camvid.VARIANTS["32"]
    found = ingest(tmp_path, task.source, task.problem)
    assert found.rejected == {"trainannot/a_L.png": "mask without an image in train/"}
