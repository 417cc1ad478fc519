"""Which split an example belongs to."""

import hashlib
import re

from components.example_gen.readers.items import EVAL, TEST, TRAIN, UNLABELLED
from trainer_modules.engine.task.sources import HashSplit

ALIASES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": EVAL,
    "valid": EVAL,
    "validation": EVAL,
    "eval": EVAL,
    "dev": EVAL,
    "test": TEST,
    "testing": TEST,
    "unlabelled": UNLABELLED,
    "unlabeled": UNLABELLED,
}


def by_hash(identifier: str, digest: bytes, split: HashSplit) -> str:
    """Returns the split that an example falls into: the same one for ever.

    The first eight bytes of a SHA-256, read as a fraction of 2^64, are compared with the fractions,
    test first.

    Args:
      identifier: The example's id, in which `split.group` is searched for.
      digest: SHA-256 of its content.
      split: The fractions.
    """
    if split.group and (match := re.search(split.group, identifier)) and match[0]:
        digest = hashlib.sha256(match[0].encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2.0**64
    if point < split.test:
        return TEST
    return EVAL if point < split.test + split.eval else TRAIN
