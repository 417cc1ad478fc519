"""Selected raw examples, read from shards that TensorFlow wrote."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from components.report import raw_examples
from tests.components.report import runs


def _shard(path: Path, examples: Iterable[tuple[bytes, bytes]]) -> str:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, image in examples:
            example = tf.train.Example()
            example.features.feature["id"].bytes_list.value.append(name)
            example.features.feature["image"].bytes_list.value.append(image)
            writer.write(example.SerializeToString())
    return str(path)


def test_reading_ends_with_the_last_id(tmp_path: Path) -> None:
    shard = _shard(tmp_path / "a", [(b"%d" % i, b"image %d" % i) for i in range(9)])
    taken = []
    found = raw_examples.fetch(
        [shard, "/no/such/file"], ["4", "2"], lambda one: taken.append(1) or len(taken)
    )
    assert found == {"2": 1, "4": 2} and len(taken) == 2
    assert raw_examples.fetch(["/no/such/file"], [], lambda one: 1) == {}


def test_an_id_that_is_no_text_is_found_as_the_evaluation_writes_it(tmp_path: Path) -> None:
    shard = _shard(tmp_path / "a", [(b"caf\xe9.jpg", b"latin"), ("café.jpg".encode(), b"utf-8")])
    for name, image in (("caf\\xe9.jpg", b"latin"), ("café.jpg", b"utf-8")):
        assert raw_examples.fetch(
            [shard], [name], lambda one: raw_examples.bytes_feature(one, "image")
        ) == {name: image}


def test_a_feature_that_is_missing_or_empty_is_no_bytes(tmp_path: Path) -> None:
    (features,) = raw_examples.features([_shard(tmp_path / "a", [(b"1", b"")])])
    assert raw_examples.bytes_feature(features, "mask") == b""
    features["mask"].bytes_list.SetInParent()
    assert raw_examples.bytes_feature(features, "mask") == b""
    assert raw_examples.bytes_feature(features, "id") == b"1"


def test_an_image_that_pillow_cannot_read_is_left_out(tmp_path: Path) -> None:
    images = [(b"a", runs.image(1)), (b"b", b"no image"), (b"c", runs.image(2)), (b"d", b"")]
    found = raw_examples.seen([_shard(tmp_path / "a", images)], ["a", "b", "c", "d", "e"])
    assert set(found) == {"a", "c"}
    assert not np.array_equal(np.asarray(found["a"]), np.asarray(found["c"]))


def test_the_sample_does_not_depend_on_the_order_of_the_examples(tmp_path: Path) -> None:
    examples = [(b"%03d" % i, b"image %03d" % i) for i in range(200)]
    one = [_shard(tmp_path / "a", examples[:50]), _shard(tmp_path / "b", examples[50:])]
    other = [_shard(tmp_path / "c", examples[::-1])]
    drawn, number = raw_examples.random_sample(one, 20)
    assert number == 200 and len(drawn) == 20
    assert list(raw_examples.random_sample(other, 20)[0].items()) == list(drawn.items())
    assert all(image == b"image " + name.encode() for name, image in drawn.items())
    # Fewer of them are the first of more; and they are not simply the first ones of the shards.
    assert list(raw_examples.random_sample(one, 7)[0]) == list(drawn)[:7]
    assert 40 < np.mean([int(name) for name in drawn]) < 160


def test_only_the_first_examples_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_examples, "LOOKED_AT", 5)
    shard = _shard(tmp_path / "a", [(b"%d" % i, b"") for i in range(9)])
    drawn, number = raw_examples.random_sample([shard, "/no/such/file"], 8)
    assert number == 5 and set(drawn) == {"0", "1", "2", "3", "4"}
