"""Every layout becomes the same canonical Examples."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, Regression, Segmentation
from trainer_modules.engine.task.sources import (
    HashSplit,
    ImageFolders,
    ImagesAndMasks,
    LabelledPaths,
    PathTable,
    Table,
    TFRecords,
)

PETS = Classification(classes=("cat", "dog"))


def ids(found, split):
    return set(found.splits[split])


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


def test_table_of_paths(ingest, tmp_path):
    for i in range(3):
        write(tmp_path / "img" / f"{i}.png", encoded(picture(i)))
    write(
        tmp_path / "labels.csv",
        "\ufefffile;kind;part\nimg/0.png;cat;training\nimg\\1.png;dog;val\nimg/2.png;dgo;test\n"
        "img/9.png;dog;train\n;dog;train\nimg/0.png;cat;holiday\n",
    )
    table = LabelledPaths(csv="labels.csv", path="file", label="kind", split="part")
    found = ingest(tmp_path, PathTable(paths=table), PETS)
    assert ids(found, "train") == {"img/0.png"}
    assert ids(found, "eval") == {"img/1.png"}
    assert found.rejected["img/9.png"] == "cannot be read: No such file or directory"
    assert "did you mean 'dog'?" in found.rejected["img/2.png"]
    assert "empty" in found.rejected["labels.csv:6"]
    assert "must be one of train, eval" in found.rejected["img/0.png"]


def test_shards_plain_and_gzip_with_an_unlabelled_split(ingest, tmp_path):
    for shard in range(4):
        rows = [
            {"picture": encoded(picture(10 * shard + i)), "target": i % 2, "site": b"north"}
            for i in range(3)
        ]
        write_shard(tmp_path / f"ld_train{shard:02d}-3.tfrec", rows, gzip=shard == 2)
    write_shard(
        tmp_path / "ld_test00-1.tfrec", [{"picture": encoded(picture(99)), "image_name": b"x.jpg"}]
    )
    source = TFRecords(
        train="*train*.tfrec",
        unlabelled="*test*.tfrec",
        image="picture",
        label="target",
        id="image_name",
        eval_fraction=0.3,
        slices=("site",),
    )
    found = ingest(tmp_path, source, PETS)
    assert ids(found, "eval") == {f"ld_train00-3.tfrec:{i}" for i in range(3)}
    assert len(ids(found, "train")) == 9
    assert ids(found, "unlabelled") == {"x.jpg"}
    row = found.examples["ld_train02-3.tfrec:1"]
    assert (row["label"], row["image"]) == (b"dog", encoded(picture(21)))
    assert row["site"] == b"north"


def test_seeded_eval_shards_are_those_of_scikit_learn(tmp_path):
    from sklearn.model_selection import train_test_split

    from components.example_gen.readers.shards import hold_out

    names = [f"ld_train{i:02d}-1338.tfrec" for i in range(16)]
    source = TFRecords(eval_fraction=0.35, eval_shards="seeded", seed=5)
    train, held_out = hold_out(names, source)
    truth = train_test_split(names, test_size=0.35, random_state=5)
    assert (set(train), set(held_out)) == tuple(map(set, truth))
    with pytest.raises(BadInputError, match="one of first, seeded"):
        hold_out(names, TFRecords(eval_shards="last"))


def test_cassava_as_published(ingest, tmp_path):
    from trainer_modules import cassava

    def row(seed, **more):
        return {"image": encoded(picture(seed), "JPEG")} | more

    for shard in range(4):
        rows = [
            row(10 * shard + i, image_name=f"{shard}{i}.jpg".encode(), target=i % 5)
            for i in range(6)
        ]
        write_shard(tmp_path / "train_tfrecords" / f"ld_train{shard:02d}-6.tfrec", rows)
    unlabelled = [row(90, image_name=b"2216849948.jpg")]
    write_shard(tmp_path / "test_tfrecords" / "ld_test00-1.tfrec", unlabelled)
    # What else the published folder holds is not read.
    write(tmp_path / "train.csv", "image_id,label\n1.jpg,0\n")
    write(tmp_path / "train_images" / "1.jpg", encoded(picture(1), "JPEG"))
    found = ingest(tmp_path, cassava.TASK.source, cassava.TASK.problem)
    assert found.summary["counts"] == {"train": 12, "eval": 12, "unlabelled": 1}
    assert found.rejected == {}
    assert found.examples["13.jpg"]["label"] == b"Cassava Mosaic Disease (CMD)"
    assert set(found.examples["2216849948.jpg"]) >= {"image", "id", "height"}
    assert "label" not in found.examples["2216849948.jpg"]


def test_every_record_lost_with_a_damaged_shard_counts(ingest, tmp_path):
    """Half a shard of a thousand is not one rejected example."""
    rows = [{"image": encoded(picture(i)), "label": b"cat"} for i in range(12)]
    shard = write_shard(tmp_path / "train00-12.tfrec", rows)
    write(shard, shard.read_bytes()[: shard.stat().st_size // 2])
    write_shard(tmp_path / "eval00-1.tfrec", [{"image": encoded(picture(60)), "label": b"cat"}])
    found = ingest(tmp_path, TFRecords(train="train*", eval="eval*"), PETS)
    kept = found.summary["counts"]["train"]
    assert 0 < kept < 12
    assert set(found.rejected) == {f"train00-12.tfrec:{i}" for i in range(kept, 12)}
    assert f"damaged from record {kept} on" in found.rejected[f"train00-12.tfrec:{kept}"]
    assert "lost in the damaged end" in found.rejected["train00-12.tfrec:11"]


def test_first_eval_shards_round_down_to_at_least_one():
    from components.example_gen.readers.shards import hold_out

    names = [f"{i:02d}" for i in range(16)]
    assert hold_out(names, TFRecords(eval_fraction=0.19))[1] == ["00", "01", "02"]
    assert hold_out(names, TFRecords(eval_fraction=0.01))[1] == ["00"]


def test_damaged_shards_keep_what_lies_in_front_of_the_damage(ingest, tmp_path):
    def row(i, **changes):
        return {"image": encoded(picture(i)), "label": b"cat"} | changes

    good = write_shard(tmp_path / "train-0", [row(i) for i in range(3)])
    write(good, good.read_bytes()[:-10])
    zipped = write_shard(tmp_path / "train-1", [row(i + 10) for i in range(3)], gzip=True)
    write(zipped, zipped.read_bytes()[:-30])
    write(tmp_path / "train-2", b"no shard at all")
    no_image = {"label": b"cat", "picture": b"?"}
    no_label = {"image": encoded(picture(50))}
    write_shard(
        tmp_path / "train-3",
        [b"\xff\xff", no_image, no_label, row(51, label=2), row(52, label=b"cow"), row(53)],
    )
    write_shard(tmp_path / "eval-0", [row(60)])
    found = ingest(tmp_path, TFRecords(train="train-*", eval="eval-*"), PETS)
    assert {"train-0:0", "train-0:1", "train-3:5"} <= ids(found, "train")
    assert "damaged from record 2 on" in found.rejected["train-0:2"]
    assert any("damaged" in r for i, r in found.rejected.items() if i.startswith("train-1:"))
    assert "damaged from record 0 on" in found.rejected["train-2:0"]
    assert found.rejected["train-3:0"] == "not a tf.train.Example"
    assert (
        "no encoded image under key 'image'; its keys: label, picture"
        in (found.rejected["train-3:1"])
    )
    assert "no label under key 'label'" in found.rejected["train-3:2"]
    assert "label 2 is not an index into 2 classes" in found.rejected["train-3:3"]
    assert "must be one of cat, dog. Received: 'cow'" in found.rejected["train-3:4"]


STREET = Segmentation(classes=("road", "sky"), void=11)


def mask_of(*ids, size=(12, 10)):
    values = np.resize(np.array(ids, np.uint8), (size[1], size[0]))
    return Image.fromarray(values)


def test_images_and_masks(ingest, tmp_path):
    seeds = itertools.count()

    def add(name, mask):
        write(tmp_path / "train" / f"{name}.jpg", encoded(picture(next(seeds)), "JPEG"))
        if mask is not None:
            write(tmp_path / "trainannot" / f"{name}.png", mask)

    good = encoded(mask_of(0, 1, 11))
    coloured = mask_of(0, 1)
    coloured.putpalette([200, 10, 10, 10, 200, 10])
    add("a", good)
    add("palette", encoded(coloured))
    add("strange", encoded(mask_of(0, 2, 255)))
    add("no_mask", None)
    add("wrong_size", encoded(mask_of(0, size=(10, 12))))
    add("rgb_mask", encoded(picture(3)))
    add("jpeg_mask", encoded(mask_of(0), "JPEG"))
    add("cut_mask", good[:-20])
    write(tmp_path / "trainannot" / "orphan.png", good)
    write(tmp_path / "val" / "b.png", encoded(picture(70)))
    write(tmp_path / "valannot" / "b.png", good)
    found = ingest(tmp_path, ImagesAndMasks(), STREET)
    assert ids(found, "train") == {"train/a.jpg", "train/palette.jpg"}
    assert found.examples["train/a.jpg"]["mask"] == good
    assert "label" not in found.examples["train/a.jpg"]
    stored = Image.open(io.BytesIO(found.examples["train/palette.jpg"]["mask"]))
    assert stored.mode == "L"
    np.testing.assert_array_equal(np.asarray(stored), np.asarray(coloured))
    assert found.summary["classes"]["train"] == {"road": 2, "sky": 2}
    reasons = {i.split("/")[1].split(".")[0]: r for i, r in found.rejected.items()}
    assert "ids 2, 255; must be within 0..1 or void 11" in reasons["strange"]
    assert reasons["no_mask"] == "has no mask trainannot/no_mask.png"
    assert reasons["wrong_size"] == "mask is 10 × 12 pixels, but its image is 12 × 10"
    assert "mode RGB" in reasons["rgb_mask"]
    assert "lossless" in reasons["jpeg_mask"]
    assert "truncated" in reasons["cut_mask"]
    assert reasons["orphan"] == "mask without an image in train/"
    assert "test" not in found.splits


def test_masks_in_colours(ingest, tmp_path):
    problem = Segmentation(
        classes=("road", "sky"), colours=((9, 9, 9), (0, 0, 255)), rgb_masks=True
    )
    pixels = np.full((10, 12, 3), 9, np.uint8)
    good = encoded(Image.fromarray(pixels))
    pixels[3, 4] = (1, 2, 3)
    for name, mask in {"good": good, "bad": encoded(Image.fromarray(pixels))}.items():
        write(tmp_path / "train" / f"{name}.png", encoded(picture(len(name))))
        write(tmp_path / "trainannot" / f"{name}.png", mask)
    source = ImagesAndMasks(eval=("", ""), splits=HashSplit(eval=1e-9))
    found = ingest(tmp_path, source, problem)
    assert found.examples["train/good.png"]["mask"] == good
    assert (
        "colours that belong to no class; the first is (1, 2, 3)" in found.rejected["train/bad.png"]
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


def test_duplicates_stay_in_the_held_out_split(ingest, tmp_path):
    same, other = encoded(picture(0)), encoded(picture(1))
    for place in ("train/cat/b", "train/cat/a", "valid/cat/x", "test/cat/y"):
        write(tmp_path / f"{place}.png", same)
    for place in ("train/cat/c", "train/dog/c"):
        write(tmp_path / f"{place}.png", other)
    for place in ("train/cat/e", "train/cat/d"):
        write(tmp_path / f"{place}.png", encoded(picture(2)))
    broken = same[:-20]
    write(tmp_path / "train/cat/broken1.png", broken)
    write(tmp_path / "train/dog/broken2.png", broken)
    found = ingest(tmp_path, ImageFolders(), PETS)
    assert found.summary["counts"] == {"train": 1, "eval": 0, "test": 1}
    assert ids(found, "train") == {"train/cat/d.png"}
    listed = {d["id"]: (d["kept"], d["split"]) for d in found.summary["duplicates"]["listed"]}
    assert listed == {
        "train/cat/a.png": ("test/cat/y.png", "train"),
        "train/cat/b.png": ("test/cat/y.png", "train"),
        "valid/cat/x.png": ("test/cat/y.png", "eval"),
        "train/cat/e.png": ("train/cat/d.png", "train"),
    }
    assert found.summary["duplicates"]["count"] == 4
    reason = "same bytes labelled 'cat' (train/cat/c.png) and 'dog' (train/dog/c.png)"
    assert found.rejected["train/cat/c.png"] == found.rejected["train/dog/c.png"] == reason
    assert "truncated" in found.rejected["train/cat/broken1.png"]
    assert "truncated" in found.rejected["train/dog/broken2.png"]
