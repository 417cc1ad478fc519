"""Class folders, with and without split folders."""

from pathlib import Path

import pytest

from components.example_gen import ingest as preparation
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, ids, labels, picture, write
from trainer_modules import gtsrb
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, MultiLabel, Regression
from trainer_modules.engine.task.sources import (
    HashSplit,
    ImageFolders,
    LabelledPaths,
)

PETS = Classification(classes=("cat", "dog"))


def test_nested_class_folders_without_splits_are_split_by_content(ingest, tmp_path):
    root = tmp_path / "data"
    for i in range(40):
        write(root / ("cat" if i % 2 else "pets/dog") / "more" / f"{i}.png", encoded(picture(i)))
    source = ImageFolders(splits=HashSplit(eval=0.25, test=0.25))
    first = ingest(root, source, PETS)
    assert set(first.splits) == {"train", "eval", "test"}
    assert sum(first.summary["counts"].values()) == 40
    assert all(5 <= n <= 30 for n in first.summary["counts"].values())
    assert first.examples["pets/dog/more/0.png"]["label"] == b"dog"
    assert first.examples["cat/more/1.png"]["label"] == b"cat"
    # More data, and a moved file: everything else keeps its split, and so do moved bytes.
    for i in range(40, 60):
        write(root / "cat" / f"{i}.png", encoded(picture(i)))
    (root / "cat" / "more" / "1.png").rename(root / "cat" / "moved.png")
    second = ingest(root, source, PETS)
    for split in first.splits:
        was = {i.replace("more/1.png", "moved.png") for i in ids(first, split)}
        assert was <= ids(second, split)
    again = ingest(root, source, PETS)
    assert again.order == second.order, "the order must not change from run to run"
    labels = [second.splits["train"][i]["label"] for i in second.order["train"]]
    assert labels != sorted(labels), "classes must be mixed"


def test_split_folders_with_a_csv_for_the_test_split(ingest, tmp_path):
    """The layout of gtsrb: labels match by name, though folders sort 0, 1, 10, 2."""
    names = tuple(str(i) for i in range(11))
    for i, name in enumerate(names):
        write(tmp_path / "Train" / name / "a.png", encoded(picture(i)))
        write(tmp_path / "Valid" / name / "a.png", encoded(picture(100 + i)))
        write(tmp_path / "Test" / f"{i:05d}.png", encoded(picture(200 + i)))
    rows = "\n".join(f"40,{i},Test/{i:05d}.png" for i in range(11))
    write(tmp_path / "Test.csv", f"Width,ClassId,Path\n{rows}\n")
    source = ImageFolders(
        train="Train",
        eval="Valid",
        test=LabelledPaths(csv="Test.csv", path="Path", label="ClassId", slices=("Width",)),
    )
    found = ingest(tmp_path, source, Classification(classes=names))
    assert found.summary["counts"] == {"train": 11, "eval": 11, "test": 11}
    assert found.examples["Train/10/a.png"]["label"] == b"10"
    assert found.examples["Test/00010.png"]["label"] == b"10"
    assert found.examples["Test/00002.png"]["Width"] == b"40"


def test_flat_test_folder_is_unlabelled(ingest, tmp_path):
    write(tmp_path / "train" / "cat" / "a.png", encoded(picture(0)))
    write(tmp_path / "valid" / "cat" / "a.png", encoded(picture(1)))
    write(tmp_path / "test" / "b.png", encoded(picture(2)))
    write(tmp_path / "test" / "same_as_train.png", encoded(picture(0)))
    found = ingest(tmp_path, ImageFolders(), PETS)
    assert ids(found, "unlabelled") == {"test/b.png", "test/same_as_train.png"}
    assert "label" not in found.examples["test/b.png"]


def test_nothing_to_evaluate_on(tmp_path):
    write(tmp_path / "cat" / "a.png", encoded(picture(0)))
    with pytest.raises(BadInputError, match=r"source\.splits\.eval=0\.2"):
        reader_for(str(tmp_path), ImageFolders(splits=HashSplit(eval=0.0)), PETS)


SETS = MultiLabel(classes=("cat", "dog", "indoors"))


def test_a_picture_in_several_folders_has_the_labels_of_all(ingest, tmp_path):
    data = tmp_path / "data"
    for i in range(30):
        for folder in ("cat", "dog", "indoors")[i % 3 :]:
            write(data / folder / f"{i}.png", encoded(picture(i)))
    # The same bytes under another name are the same picture.
    write(data / "cat" / "copy of 1.png", encoded(picture(1)))
    source = ImageFolders(splits=HashSplit(eval=0.3, test=0.3))
    found = ingest(data, source, SETS)
    assert len(found.examples) == 30 and not found.rejected
    kept = {name.rpartition("/")[2]: text for name, text in labels(found).items()}
    assert kept["0.png"] == "cat|dog|indoors" and kept["4.png"] == "dog|indoors"
    assert kept["5.png"] == "indoors" and kept["copy of 1.png"] == "cat|dog|indoors"
    # Each class is counted for each of its pictures.
    assert sum(counts["indoors"] for counts in found.summary["classes"].values()) == 30
    assert sum(counts["cat"] for counts in found.summary["classes"].values()) == 11
    again = ingest(data, source, SETS)
    assert again.order == found.order
    # One picture leaves a class: it keeps its split, and loses this label only.
    (data / "dog" / "4.png").unlink()
    after = ingest(data, source, SETS)
    splits = [{Path(n).name: s for s, e in run.splits.items() for n in e} for run in (found, after)]
    assert splits[0] == splits[1]
    assert labels(after)["indoors/4.png"] == "indoors"


def test_a_copy_among_the_training_images_adds_its_labels_to_the_one_that_is_judged(
    ingest, tmp_path
):
    write(tmp_path / "train" / "cat" / "a.png", encoded(picture(0)))
    write(tmp_path / "train" / "dog" / "b.png", encoded(picture(1)))
    write(tmp_path / "valid" / "dog" / "a.png", encoded(picture(0)))
    found = ingest(tmp_path, ImageFolders(), SETS)
    assert labels(found) == {"valid/dog/a.png": "cat|dog", "train/dog/b.png": "dog"}


AGES = Regression(target="age", least=0, most=120)


def test_folders_may_be_named_after_numbers(ingest, tmp_path):
    for i, age in enumerate(("7", "007.5", "x")):
        write(tmp_path / "faces" / age / "face.png", encoded(picture(i)))
    found = ingest(tmp_path / "faces", ImageFolders(splits=HashSplit(eval=0.5)), AGES)
    assert {n: row["age"] for n, row in found.examples.items()} == {
        "7/face.png": 7.0,
        "007.5/face.png": 7.5,
    }
    assert found.rejected == {"x/face.png": "age must be a finite number. Received: 'x'"}


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


def test_zero_padded_names_are_other_names_elsewhere(ingest, tmp_path: Path) -> None:
    """Only a source that says so compares numbers: `007` may be a class of its own."""
    write(tmp_path / "data" / "train" / "00014" / "a.png", encoded(picture(1)))
    write(tmp_path / "data" / "valid" / "14" / "b.png", encoded(picture(2)))
    found = ingest(tmp_path / "data", ImageFolders(), gtsrb.TASK.problem)
    assert "Received: '00014'" in found.rejected["train/00014/a.png"]
