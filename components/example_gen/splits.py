"""Which split an example belongs to."""

import hashlib

from components.example_gen.items import EVAL, TEST, TRAIN, UNLABELLED
from trainer_modules.engine.sources import HashSplit

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


def by_content(content: bytes, split: HashSplit) -> str:
    """Returns the split that SHA-256 of `content` falls into: the same one for ever.

    The first eight bytes, read as a fraction of 2^64, are compared with the shares, test first.
    """
    return by_digest(hashlib.sha256(content).digest(), split)


def by_digest(digest: bytes, split: HashSplit) -> str:
    """Returns the split of content whose SHA-256 is known."""
    point = int.from_bytes(digest[:8], "big") / 2.0**64
    if point < split.test:
        return TEST
    return EVAL if point < split.test + split.eval else TRAIN
