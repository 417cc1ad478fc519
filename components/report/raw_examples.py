"""Reads selected raw examples, in one pass that keeps only those requested."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from PIL import Image

from components.report import pictures
from trainer_modules.engine.problems.kept_examples import Kept, random_rank
from trainer_modules.engine.training.examples import records

T = TypeVar("T")
# Random samples are drawn from this many examples.
LOOKED_AT = 4_000


def features(files: Iterable[str]) -> Iterator[Any]:
    """Yields the features of every example, file by file."""
    import tensorflow as tf

    for file in files:
        for serialized in records([file]).as_numpy_iterator():
            yield tf.train.Example.FromString(serialized).features.feature


def bytes_feature(example: Any, name: str) -> bytes:
    """Returns a bytes feature's first value; b"" where there is none."""
    values = example[name].bytes_list.value if name in example else ()
    return bytes(values[0]) if values else b""


def fetch(files: Iterable[str], ids: Iterable[str], take: Callable[[Any], T]) -> dict[str, T]:
    """Returns id → the result of `take` on the example's features; reading stops at the last id.

    Args:
      files: Shards of raw Examples.
      ids: Ids as the evaluation writes them.
      take: Called with an example's features while it is in memory.
    """
    wanted = set(ids)
    fetched: dict[str, T] = {}
    for example in features(files) if wanted else ():
        name = bytes_feature(example, "id").decode("utf-8", "backslashreplace")
        if name in wanted and name not in fetched:
            fetched[name] = take(example)
            if len(fetched) == len(wanted):
                break
    return fetched


def seen(files: Iterable[str], ids: Iterable[str]) -> dict[str, Image.Image]:
    """Returns id → the example's image, small; one that Pillow cannot read is left out."""

    def take(example: Any) -> Image.Image | None:
        try:
            return pictures.small(bytes_feature(example, "image"))
        except (OSError, ValueError):
            return None

    return {name: picture for name, picture in fetch(files, ids, take).items() if picture}


def random_sample(files: Iterable[str], count: int) -> tuple[dict[str, bytes], int]:
    """Returns id → encoded image of `count` examples drawn by a hash of their ids.

    They are drawn from the first few thousand, so that a whole split need not be read.

    Returns:
      The images in the order of the draw, and from how many they were drawn.
    """
    kept, number = Kept(count), 0
    for example in features(files):
        if number == LOOKED_AT:
            break
        number += 1
        name = bytes_feature(example, "id").decode("utf-8", "backslashreplace")
        rank = (random_rank(name), name)
        if kept.full_from is None or rank[0] <= kept.full_from:
            kept.offer([(rank, {"id": name, "image": bytes_feature(example, "image")})])
    return {example["id"]: example["image"] for example in kept.examples()}, number
