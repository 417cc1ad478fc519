"""Names and ids of ImageNet's 1,000 classes, without the network.

`imagenet_classes.json` lists `[WordNet id, name]` in the order of the outputs of every
`keras.applications` classifier, with the first lemma of the synset as the name, as
`decode_predictions` shows it. Ids and names are those of the ILSVRC 2012 synsets (WordNet 3.0,
Princeton University, free to use with its notice).
"""

import functools
import json
from pathlib import Path

_FILE = Path(__file__).parent.parent / "imagenet_classes.json"


@functools.cache
def synsets() -> tuple[tuple[str, str], ...]:
    """Returns 1,000 pairs (WordNet id, name), for example `("n02510455", "giant_panda")`."""
    return tuple((wnid, name) for wnid, name in json.loads(_FILE.read_text(encoding="utf-8")))


def classes() -> tuple[str, ...]:
    """Returns 1,000 distinct class names, id and name in one: `"n02510455 giant_panda"`.

    The names alone are not distinct: there are two cranes, a bird and a machine.
    """
    return tuple(f"{wnid} {name}" for wnid, name in synsets())
