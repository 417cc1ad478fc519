"""The types that readers produce: work items, records and rejections."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from trainer_modules.engine.task.sources import HashSplit

TRAIN, EVAL, TEST, UNLABELLED = SPLITS = "train", "eval", "test", "unlabelled"


@dataclass(frozen=True, kw_only=True)
class Item:
    """A file to read: one image, or a shard or table of many examples.

    Attributes:
      key: Unique within the data.
      id: Name of the example for people: the path relative to the data root, with "/".
      path: Where to read it.
      split: Its split; "" if a hash of the content decides.
      label: As `Problem.label_text` writes it; None where there is none, or the file itself holds
        the labels.
      mask: Path of the mask, or "".
      slices: (feature, value) pairs to keep with the example.
    """

    key: str
    id: str
    path: str
    split: str
    label: str | None = None
    mask: str = ""
    slices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """An input that does not become an Example: its id, its split ("" if unknown) and reason."""

    id: str
    split: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One example as found, not yet decoded.

    Attributes:
      key: Unique within the data.
      id: Name for people.
      split: Its split; "" if a hash of the content decides.
      content: The bytes by which duplicates are detected.
      image: Encoded image, or None for a row of a table.
      label: As `Problem.label_text` writes it, or None.
      mask: Encoded mask or None.
      values: Columns of a table.
      slices: Features to keep with the example.
    """

    key: str
    id: str
    split: str
    content: bytes
    image: bytes | None = None
    label: str | None = None
    mask: bytes | None = None
    values: dict[str, float] = field(default_factory=dict)
    slices: dict[str, bytes] = field(default_factory=dict)


class Reader(Protocol):
    """One layout of data under one root; plain data, since it is sent to Beam workers."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the data has, in the order train, eval, test, unlabelled."""
        ...

    @property
    def hash_split(self) -> HashSplit:
        """How the content decides the split of items whose split is ""."""
        ...

    @property
    def holds_many(self) -> bool:
        """Whether one item holds many examples."""
        ...

    @property
    def drops_within_split(self) -> bool:
        """Whether equal content within one split is a duplicate."""
        ...

    def places(self) -> list[str]:
        """Returns the folders and files that matter, absolute."""
        ...

    def items(self) -> Iterator[Item | Rejected]:
        """Lists the items to read, in a stable order."""
        ...

    def read(self, item: Item) -> Iterator[Record | Rejected]:
        """Reads the examples of one item."""
        ...


def to_line(entry: Item | Rejected) -> str:
    """Returns an entry of `Reader.items` as a line of JSON."""
    return json.dumps([type(entry).__name__, dataclasses.asdict(entry)]) + "\n"


def from_line(line: str) -> Item | Rejected:
    """The inverse of `to_line`."""
    kind, fields = json.loads(line)
    if kind == "Rejected":
        return Rejected(**fields)
    return Item(**{**fields, "slices": tuple((k, v) for k, v in fields["slices"])})


def by_value(label: str, classes: tuple[str, ...]) -> str:
    """Returns the class whose name is the same whole number as `label`; else `label` itself."""
    if label in classes or not label.isdecimal():
        return label
    return next((c for c in classes if c.isdecimal() and int(c) == int(label)), label)


def split_names(present: set[str]) -> tuple[str, ...]:
    """Returns split names in their order; train and eval are always there."""
    return tuple(s for s in SPLITS if s in present | {TRAIN, EVAL})
