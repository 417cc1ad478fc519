"""Which examples are evaluated, where they are not simply those of one split."""

from collections.abc import Sequence

from components.example_gen import shard_files
from components.example_gen.manifest import Part
from components.example_gen.places import NEWEST, Place, judged_among
from components.example_gen.readers import storage
from components.shard_store import link_file


def has_own_split(places: tuple[Place, ...], evaluate: str) -> bool:
    """Says whether the evaluated examples form the split `JUDGED`.

    Args:
      places: What is read.
      evaluate: `newest`, `window`, or a fixed test set.
    """
    fixed = any(place.fixed for place in places)
    return fixed or (evaluate == NEWEST and len(places) > 1)


def add(
    work: str,
    parts: Sequence[Part],
    places: tuple[Place, ...],
    folder: str,
    folders: dict[str, str],
) -> str:
    """Gives the evaluated shards of the newest span a second name in the split `JUDGED`.

    If none of the newest span's examples is in the evaluated split (all are copies of earlier
    ones, or there are only a few), those of the newest span that has any are judged.

    Args:
      work: Where the parts were written.
      parts: The parts of all places.
      places: What was read, oldest first.
      folder: Of the split `JUDGED`.
      folders: Split → folder of its Examples.

    Returns:
      The folder's name of the span that is judged; "" if there is none.
    """
    split = judged_among(places)
    by_age = sorted(range(len(places)), key=lambda n: -places[n].span.number)
    for position in by_age:
        contents = [
            shard_files.read_contents(work, part) for part in parts if part.place == position
        ]
        shards = [c["shards"][split] for c in contents if split in c["shards"]]
        for name in shards:
            link_file(storage.join(folders[split], name), storage.join(folder, name))
        if shards:
            return places[position].span.folder
    return ""
