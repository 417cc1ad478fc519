"""The folders that one night reads: the spans of the window, and a fixed test set."""

import hashlib
from dataclasses import dataclass, field

from components.example_gen.readers import splits, storage
from components.example_gen.readers.items import EVAL, SPLITS, TEST, UNLABELLED, Reader, Record
from components.example_gen.readers.layouts import reader_for
from components.example_gen.root import Span
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import ImagesAndMasks, Source

NEWEST, WINDOW = "newest", "window"
JUDGED = "judged"
"""The split of the evaluated examples, where they are not simply those of `test` or `eval`."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Data under one root.

    Attributes:
      reader: Of the data.
      base: The data root up to the first placeholder, the same for all spans.
      span: Which delivery it is.
      prefix: What the ids of its examples begin with.
      settings: A hash of everything but the data that decides what an Example contains.
      fixed: Whether it is a fixed test set: all of it is judged, and nothing of it learnt.
    """

    reader: Reader
    base: str = ""
    span: Span = field(default_factory=Span)
    prefix: str = ""
    settings: str = ""
    fixed: bool = False

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the place fills."""
        return (JUDGED,) if self.fixed else self.reader.splits

    @property
    def name(self) -> str:
        """Where it is, for people and as a key."""
        return ", ".join(self.reader.places())

    def split_of(self, *, split: str, identifier: str, digest: bytes) -> str:
        """Returns the split of an example.

        Args:
          split: The one that the layout gives, "" for none.
          identifier: The example's id, without the prefix.
          digest: SHA-256 of its content.
        """
        if self.fixed and split != UNLABELLED:
            return JUDGED
        return split or splits.by_hash(identifier, digest, self.reader.hash_split)

    def decides_by_place(self, record_split: str) -> bool:
        """Whether something other than an example's bytes decides its split."""
        explicit = record_split not in ("", UNLABELLED)
        return self.reader.holds_many or explicit or bool(self.reader.hash_split.group)


def find(
    base: str,
    spans: list[Span],
    source: Source,
    problem: Problem,
    columns: tuple[str, ...] = (),
    *,
    evaluate: str = NEWEST,
    code: str = "",
) -> tuple[Place, ...]:
    """Returns the places of a window, oldest first, then the fixed test set, if there is one.

    Args:
      base: What the folders of the spans lie in.
      spans: The window.
      source: The layout, the same for all.
      problem: What is learnt.
      columns: Columns of a table that it is learnt from; () where it is learnt from images.
      evaluate: `newest`, `window`, or the root of a fixed test set.
      code: Fingerprint of the code that reads.

    Raises:
      BadInputError: If a span has another layout, or the test set does not exist.
    """
    found = []
    for span in spans:
        root = storage.join(base, span.folder)
        try:
            reader = reader_for(root, source, problem, columns)
        except BadInputError as error:
            if len(spans) < 2:
                raise
            raise BadInputError(
                f"Span {span.folder} does not have the layout of the newest span "
                f"{spans[-1].folder} ({type(source).__name__}): {error}"
            ) from error
        prefix = f"{span.folder}/" if span.folder else ""
        settings = _settings(reader, source, problem, columns, code)
        found.append(Place(reader=reader, base=base, span=span, prefix=prefix, settings=settings))
    if evaluate not in (NEWEST, WINDOW):
        found.append(_fixed(evaluate, source, problem, columns, code))
    return tuple(found)


def _fixed(
    root: str, source: Source, problem: Problem, columns: tuple[str, ...], code: str
) -> Place:
    root = root.rstrip("/")
    try:
        reader = reader_for(root, source, problem, columns)
    except BadInputError as error:
        raise BadInputError(
            f"--evaluate must be {NEWEST}, {WINDOW}, or a folder of labelled examples in the "
            f"layout of the data. Received: {root}. {error}"
        ) from error
    return Place(
        reader=reader,
        prefix=f"{root.rpartition('/')[2]}/",
        settings=_settings(reader, source, problem, columns, code),
        fixed=True,
    )


def all_splits(places: tuple[Place, ...]) -> tuple[str, ...]:
    """Returns the splits of all places but a fixed test set, in their order."""
    filled = {s for place in places if not place.fixed for s in place.splits}
    # Images to be predicted alone have no training split, not even an empty one.
    return tuple(split for split in SPLITS if split in filled)


def judged_among(places: tuple[Place, ...]) -> str:
    """Returns the split that is evaluated unless there is `JUDGED`: test if there is one."""
    return TEST if TEST in all_splits(places) else EVAL


def content_of(record: Record) -> tuple[bytes, bytes]:
    """Returns the SHA-256 of an example's content, and of its mask (b"" without one)."""
    mask = b"" if record.mask is None else hashlib.sha256(record.mask).digest()
    return hashlib.sha256(record.content).digest(), mask


def _settings(
    reader: Reader, source: Source, problem: Problem, columns: tuple[str, ...], code: str
) -> str:
    """Returns a hash of the settings; the problem counts where a record's label depends on it.

    Labels of single image files are in the keys themselves, so that a new class leaves the old
    images as they are; masks and label numbers mean something else under another list of classes.
    """
    parts = [code, overrides.to_json(source), overrides.to_json(columns)]
    if reader.holds_many or isinstance(source, ImagesAndMasks):
        parts.append(overrides.to_json(problem))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
