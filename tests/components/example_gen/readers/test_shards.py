"""TFRecord shards: keys, labels, held-out shards and damage."""

import dataclasses

import pytest

from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, ids, labels, picture, write, write_shard
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import (
    Classification,
    MultiLabel,
    Regression,
)
from trainer_modules.engine.task.sources import (
    TFRecords,
)

PETS = Classification(classes=("cat", "dog"))


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


def test_one_shard_cannot_be_held_out(tmp_path):
    write_shard(tmp_path / "a.tfrec", [])
    with pytest.raises(BadInputError, match="a single shard"):
        reader_for(str(tmp_path), TFRecords(), PETS)


SETS = MultiLabel(classes=("cat", "dog", "indoors"))


@pytest.mark.parametrize(
    ("problem", "values"),
    [
        (SETS, [[b"dog", b"cat"], [], [b"bird"], b"cat|indoors"]),
        (SETS, [[1, 0], [], [3], [0, 2]]),
        (dataclasses.replace(SETS, multi_hot=True), [[1, 1, 0], [0, 0, 0], [1, 1], [1, 0, 1]]),
        (dataclasses.replace(SETS, multi_hot=True), [[1.0, 1.0, 0.0], [], [2, 0, 0], [1, 0, 1]]),
    ],
)
def test_lists_in_tfrecords(ingest, tmp_path, problem, values):
    rows = [{"image": encoded(picture(i)), "label": v} for i, v in enumerate(values)]
    write_shard(tmp_path / "train-0.tfrec", rows)
    write_shard(tmp_path / "valid-0.tfrec", [{"image": encoded(picture(9)), "label": values[0]}])
    source = TFRecords(train="train*", eval="valid*")
    found = ingest(tmp_path, source, problem)
    assert labels(found) == {
        "train-0.tfrec:0": "cat|dog",
        "train-0.tfrec:1": "",
        "train-0.tfrec:3": "cat|indoors",
        "valid-0.tfrec:0": "cat|dog",
    }
    assert list(found.rejected) == ["train-0.tfrec:2"]


AGES = Regression(target="age", least=0, most=120)


def test_records_hold_floats_integers_or_texts(ingest, tmp_path):
    rows = [
        ({"years": 41.5}, 41.5),
        ({"years": 7}, 7.0),
        ({"years": b"3.25"}, 3.25),
        ({"years": float("nan")}, "age must be a finite number. Received: nan"),
        ({"years": 500}, "age must be at least 0 and at most 120. Received: 500.0"),
        ({"years": b""}, "age is missing"),
        ({"years": b"\xff"}, "age must be a finite number. Received: '\\\\xff'"),
        ({"years": [1.0, 2.0]}, "age must be one number. Received: 2 values"),
        ({"other": 1.0}, "no label under key 'years'; its keys: id, img, other"),
    ]
    examples = [
        {"img": encoded(picture(i)), "id": f"{i}".encode(), **row}
        for i, (row, _) in enumerate(rows)
    ]
    write_shard(tmp_path / "train-0.tfrec", examples, gzip=True)
    write_shard(tmp_path / "eval-0.tfrec", [{**examples[1], "img": encoded(picture(99))}])
    source = TFRecords(
        train="train-*.tfrec", eval="eval-*.tfrec", image="img", label="years", id="id"
    )
    found = ingest(tmp_path, source, AGES)
    wanted = {str(i): value for i, (_, value) in enumerate(rows)}
    assert {name: row["age"] for name, row in found.splits["train"].items()} == {
        name: value for name, value in wanted.items() if isinstance(value, float)
    }
    assert {name: reason.partition(": ")[2] for name, reason in found.rejected.items()} == {
        name: value for name, value in wanted.items() if isinstance(value, str)
    }
