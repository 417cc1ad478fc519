"""Keys of what determines a transformed shard."""

from components.raw_shards import RawShard
from components.transform import shards


def test_each_part_of_the_settings_changes_the_key() -> None:
    one, two = (RawShard(path=f"/{k}", key=k) for k in "ab")
    keys = [
        shards.settings_key("function", "{}", {}),
        shards.settings_key("other", "{}", {}),
        shards.settings_key("function", '{"a": 1}', {}),
        shards.settings_key("function", "{}", {"x": 1}),
        shards.settings_key("function", "{}", {}, analysed=[one]),
        shards.settings_key("function", "{}", {}, analysed=[one, two]),
    ]
    assert len(set(keys)) == len(keys)
    same = [shards.settings_key("f", analysed=order) for order in ([one, two], [two, one])]
    assert same[0] == same[1]


def test_a_transformed_file_is_never_taken_for_a_compressed_one() -> None:
    name = shards.published(RawShard(path="/raw/data_tfrecord-00000-of-00001.gz", key="a"))
    assert name == "transformed_examples-data_tfrecord-00000-of-00001"
