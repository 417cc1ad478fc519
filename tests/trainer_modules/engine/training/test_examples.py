"""Transformed Examples read back: counted, in order, plain and compressed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import MultiLabel, Regression, Segmentation
from trainer_modules.engine.task.task import Columns, Images, Network, Task
from trainer_modules.engine.training import examples

Writer = Callable[..., list[str]]


def numbered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images that tell their number: every pixel holds it."""
    numbers = np.arange(count)
    return np.tile(numbers.astype(np.uint8)[:, None, None, None], (1, 8, 8, 1)), numbers % 3


@pytest.fixture
def files(tmp_path: Path, shard_writer: Writer) -> list[str]:
    """Three shards of 11 examples, each read in turn: 0 3 6 9, 1 4 7 10, 2 5 8."""
    return shard_writer(tmp_path, "train", *numbered(11), shards=3)


def ids(records: Any) -> list[int]:
    read = [tf.train.Example.FromString(r) for r in records.as_numpy_iterator()]
    return [int(one.features.feature["id"].bytes_list.value[0]) for one in read]


def test_examples_are_counted_and_their_labels_read_in_order(
    tiny: Callable[..., Task], files: list[str]
) -> None:
    shards = examples.measure(tiny(), files, "train")
    assert (shards.files, shards.count) == (tuple(files), 11)
    assert shards.labels is not None
    order = ids(examples.in_order(shards))
    assert shards.labels.tolist() == [number % 3 for number in order]
    assert sorted(order) == list(range(11)) != order  # an order that mixes the classes


def resharded(folder: Path, files: list[str], shards: int) -> list[str]:
    """Deals the records out anew, in another order."""
    folder.mkdir()
    contents = list(tf.data.TFRecordDataset(files).as_numpy_iterator())
    np.random.default_rng(shards).shuffle(contents)
    paths = [str(folder / f"part-{i}") for i in range(shards)]
    for i, path in enumerate(paths):
        with tf.io.TFRecordWriter(path) as writer:
            for content in contents[i::shards]:
                writer.write(content)
    return paths


@pytest.mark.parametrize("shards", [1, 2, 5, 14])  # of 14 shards some are empty
def test_order_and_digest_do_not_depend_on_the_shards(
    tiny: Callable[..., Task], files: list[str], tmp_path: Path, shards: int
) -> None:
    before = examples.measure(tiny(), files, "train")
    after = examples.measure(tiny(), resharded(tmp_path / "other", files, shards), "train")
    assert after.digest == before.digest
    np.testing.assert_array_equal(after.labels, before.labels)
    assert ids(examples.in_order(after)) == ids(examples.in_order(before))
    for x, y in zip(
        examples.in_memory(tiny(), after), examples.in_memory(tiny(), before), strict=True
    ):
        np.testing.assert_array_equal(x, y)


def test_the_digest_is_that_of_ids_and_contents(
    tiny: Callable[..., Task], tmp_path: Path, shard_writer: Writer
) -> None:
    images, labels = numbered(6)
    brighter = images.copy()
    brighter[3] += 1

    def digest(name: str, pixels: np.ndarray) -> str:
        written = shard_writer(tmp_path / name, "train", pixels, labels, shards=2)
        return examples.measure(tiny(), written, "train").digest

    assert digest("a", images) == digest("b", images) != digest("c", brighter)


def test_examples_without_ids_are_ordered_by_content(
    tiny: Callable[..., Task], files: list[str], tmp_path: Path
) -> None:
    bare = str(tmp_path / "bare")
    with tf.io.TFRecordWriter(bare) as writer:
        for content in tf.data.TFRecordDataset(files).as_numpy_iterator():
            example = tf.train.Example.FromString(content)
            del example.features.feature["id"]
            writer.write(example.SerializeToString(deterministic=True))
    one = examples.measure(tiny(), [bare], "train")
    other = examples.measure(tiny(), resharded(tmp_path / "other", [bare], 3), "train")
    assert one.digest == other.digest and one.labels is not None
    assert one.labels.tolist() == np.asarray(other.labels).tolist()


def test_records_are_read_one_by_one_from_where_they_lie(
    tiny: Callable[..., Task], files: list[str]
) -> None:
    shards = examples.measure(tiny(), files, "train")
    whole = ids(examples.in_order(shards))
    wanted = tf.constant([7, 0, 7, 10])
    picked = tf.data.Dataset.from_tensor_slices(examples.at(shards, wanted))
    assert ids(picked) == [whole[i] for i in (7, 0, 7, 10)]


def test_compressed_shards_have_no_places(
    tiny: Callable[..., Task], tmp_path: Path, shard_writer: Writer
) -> None:
    packed = shard_writer(tmp_path, "train", *numbered(6), shards=2, gzip=True)
    shards = examples.measure(tiny(), packed, "train")
    assert shards.places is None and shards.count == 6
    assert sorted(ids(examples.in_order(shards))) == list(range(6))


def test_sets_of_labels_are_rows(
    tiny: Callable[..., Task], tmp_path: Path, shard_writer: Writer
) -> None:
    task = tiny(problem=MultiLabel(classes=("a", "b")))
    sets = [[1, 0], [0, 0], [1, 1]]
    # A writer's row of numbers is what the problem's spec reads as one label.
    written = shard_writer(tmp_path, "train", numbered(3)[0], [np.array(s) for s in sets], shards=1)
    shards = examples.measure(task, written, "train")
    order = ids(examples.in_order(shards))
    assert shards.labels is not None and shards.labels.tolist() == [sets[i] for i in order]


def test_numbers_are_not_counted_by_class(tiny: Callable[..., Task], files: list[str]) -> None:
    shards = examples.measure(tiny(problem=Regression(target="y")), files, "train")
    assert shards.count == 11 and shards.labels is None


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([], "the eval split of task tiny has no examples"),
        ([0, 3, 7, 1], "2 have a label such as index 3, which is outside its 3 classes"),
        ([0, -1], "1 have a label such as index -1"),
    ],
)
def test_a_split_that_cannot_be_used_is_said(
    tiny: Callable[..., Task],
    tmp_path: Path,
    shard_writer: Writer,
    labels: list[int],
    says: str,
) -> None:
    written = shard_writer(tmp_path, "eval", numbered(len(labels))[0], labels, shards=1)
    with pytest.raises(BadInputError, match=says):
        examples.measure(tiny(), written, "eval")


def test_plain_and_compressed_shards_are_told_apart_by_content(
    tmp_path: Path, shard_writer: Writer
) -> None:
    images, labels = numbered(8)
    plain = shard_writer(tmp_path / "a", "train.gz", images[:4], labels[:4], shards=1)
    packed = shard_writer(tmp_path / "b", "train", images[:6], labels[:6], shards=1, gzip=True)
    assert sorted(ids(examples.records([*plain, *packed]))) == sorted([*range(4), *range(6)])


def test_a_seed_gives_an_order_of_the_shards_and_loses_none(files: list[str]) -> None:
    plain = ids(examples.records(files))
    assert plain == ids(examples.records(files))
    orders = {tuple(ids(examples.records(files, order_seed=(1, k)))) for k in range(20)}
    assert len(orders) == 6  # of three shards
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(11))}
    first = ids(examples.records(files, order_seed=(1, 0)))
    assert first == ids(examples.records(files, order_seed=(1, 0)))


def test_in_memory_is_what_decoding_one_by_one_gives(
    tiny: Callable[..., Task], tmp_path: Path, shard_writer: Writer
) -> None:
    task, count = tiny(), 300  # more than are decoded at once
    files = shard_writer(tmp_path, "train", *numbered(count), shards=3)
    shards = examples.measure(task, files, "train")
    inputs, labels = examples.in_memory(task, shards)
    order = ids(examples.in_order(shards))
    np.testing.assert_array_equal(inputs, numbered(count)[0][order])
    np.testing.assert_array_equal(labels, np.array(order) % 3)
    assert (inputs.dtype, labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"problem": MultiLabel(classes=("a", "b", "c", "d"))},
        {"problem": Segmentation(classes=("a", "b"), void=11)},
        {
            "problem": Regression(target="y"),
            "input": Columns(names=("rooms", "age")),
            "model": Network(),
        },
        {"input": Images(height=8, width=8, channels=3)},
    ],
)
def test_the_size_of_an_example_is_that_of_its_arrays(
    tiny: Callable[..., Task], changes: dict[str, Any]
) -> None:
    task = tiny(**changes)
    example = tf.train.Example()
    features = example.features.feature
    features["image"].bytes_list.value.append(tf.io.encode_png(np.zeros((8, 8, 3), "u1")).numpy())
    features["mask"].bytes_list.value.append(tf.io.encode_png(np.zeros((8, 8, 1), "u1")).numpy())
    features["label"].int64_list.value.extend([0] * (4 if "MultiLabel" in str(changes) else 1))
    for name in ("target", "rooms", "age"):
        features[name].float_list.value.append(1.0)
    decoded = examples.decode(task, tf.constant(example.SerializeToString()))
    assert sum(part.numpy().nbytes for part in decoded) == examples.bytes_per_example(task)
