"""Reads selected raw examples, in one pass that keeps only those requested."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from PIL import Image

from components.report import pictures
from trainer_modules.engine.problems.kept_examples import Kept, lottery
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


def one_bytes(found: Any, name: str) -> bytes:
    """Returns a bytes feature's first value; b"" where there is none."""
    values = found[name].bytes_list.value if name in found else ()
    return bytes(values[0]) if values else b""


def fetch(files: Iterable[str], ids: Iterable[str], take: Callable[[Any], T]) -> dict[str, T]:
    """Returns id → the result of `take` on the example's features; reading stops at the last id.

    Args:
      files: Shards of raw Examples.
      ids: Ids as the evaluation writes them.
      take: Called with an example's features while it is in memory.
    """
    wanted = set(ids)
    found: dict[str, T] = {}
    for one in features(files) if wanted else ():
        name = one_bytes(one, "id").decode("utf-8", "backslashreplace")
        if name in wanted and name not in found:
            found[name] = take(one)
            if len(found) == len(wanted):
                break
    return found


def seen(files: Iterable[str], ids: Iterable[str]) -> dict[str, Image.Image]:
    """Returns id → the example's image, small; one that Pillow cannot read is left out."""

    def take(one: Any) -> Image.Image | None:
        try:
            return pictures.small(one_bytes(one, "image"))
        except (OSError, ValueError):
            return None

    return {name: picture for name, picture in fetch(files, ids, take).items() if picture}


def drawn_by_lot(files: Iterable[str], count: int) -> tuple[dict[str, bytes], int]:
    """Returns id → encoded image of `count` examples drawn by a hash of their ids.

    They are drawn from the first few thousand, so that a whole split need not be read.

    Returns:
      The images in the order of the draw, and from how many they were drawn.
    """
    kept, number = Kept(count), 0
    for one in features(files):
        if number == LOOKED_AT:
            break
        number += 1
        name = one_bytes(one, "id").decode("utf-8", "backslashreplace")
        rank = (lottery(name), name)
        if kept.full_from is None or rank[0] <= kept.full_from:
            kept.offer([(rank, {"id": name, "image": one_bytes(one, "image")})])
    return {one["id"]: one["image"] for one in kept.examples()}, number
