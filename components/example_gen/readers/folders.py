"""Reader of class folders, nested or under split folders."""

import fnmatch
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from components.example_gen.readers import storage
from components.example_gen.readers.items import (
    EVAL,
    TEST,
    TRAIN,
    UNLABELLED,
    Item,
    Rejected,
    by_value,
    split_names,
)
from components.example_gen.readers.path_table import ImageFileReader, check_table, table_items
from components.example_gen.readers.splits import ALIASES
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import LabelError, Problem
from trainer_modules.engine.task.sources import HashSplit, ImageFolders, LabelledPaths

_EXPECTED = (
    "Expected class folders, as in <data>/<class>/<image>.jpg, or the same under split folders: "
    "<data>/train/<class>/…, <data>/valid/<class>/…, <data>/test/<class>/…."
)


@dataclass(frozen=True, kw_only=True)
class FolderReader(ImageFileReader):
    """Reads class folders.

    Attributes:
      parts: (split, folder relative to the root or a CSV); split "" where content decides.
      strangers: Other folders in the root that belong to no split.
      zero_padded: See `ImageFolders`.
      skip: See `ImageFolders`.
    """

    parts: tuple[tuple[str, str | LabelledPaths], ...]
    strangers: tuple[str, ...]
    hash_split: HashSplit
    zero_padded: bool
    skip: str

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits given by folders, or else by the hash."""
        hashed = {TEST} if self.hash_split.test else set()
        return split_names({split for split, _ in self.parts} | hashed)

    def places(self) -> list[str]:
        """The folders of the splits, and the CSV files."""
        tables = [p for _, p in self.parts if isinstance(p, LabelledPaths)]
        folders = [p for _, p in self.parts if isinstance(p, str)]
        folders += [table.folder for table in tables if table.folder]
        return [storage.join(self.root, p) for p in (*folders, *(t.csv for t in tables))]

    def items(self) -> Iterator[Item | Rejected]:
        """Lists the files of every split."""
        for name in self.strangers:
            reason = "lies beside the split folders but is not one of them"
            yield Rejected(id=storage.printable(name) + "/", split="", reason=reason)
        for split, place in self.parts:
            if isinstance(place, LabelledPaths):
                yield from table_items(
                    self.root,
                    place,
                    split=split,
                    problem=self.problem,
                    zero_padded=self.zero_padded,
                )
            else:
                yield from self._folder(split, place)

    def _folder(self, split: str, folder: str) -> Iterator[Item | Rejected]:
        others = [p + "/" for _, p in self.parts if isinstance(p, str) and p and p != folder]
        for entry in storage.files(storage.join(self.root, folder)):
            relative = storage.join(folder, entry.relative)
            if not folder and relative.startswith(tuple(others)):
                continue
            identifier = storage.printable(relative)
            if entry.problem:
                yield Rejected(id=identifier, split=split, reason=entry.problem)
                continue
            *parents, name = entry.relative.split("/")
            if self.skip and fnmatch.fnmatchcase(name, self.skip):
                continue
            label = None
            if split != UNLABELLED:
                if not parents:
                    if relative.lower().endswith(formats.ENDINGS):
                        reason = "is not in a class folder"
                        yield Rejected(id=identifier, split=split, reason=reason)
                    continue
                if self.zero_padded:
                    parents = [by_value(p, self.problem.names) for p in parents]
                label = next((p for p in parents if p in self.problem.names), parents[0])
                try:
                    label = self.problem.label_text((storage.printable(label),))
                except LabelError as error:
                    yield Rejected(id=identifier, split=split, reason=str(error))
                    continue
            path = storage.join(self.root, relative)
            yield Item(key=identifier, id=identifier, path=path, split=split, label=label)


def folder_reader(root: str, source: ImageFolders, problem: Problem) -> FolderReader:
    """Returns the reader of an `ImageFolders`, split folders found.

    Raises:
      BadInputError: If a folder or CSV that the source names does not exist, or if there is
        nothing to learn from.
    """
    parts, strangers = split_parts(root, source)
    for _, place in parts:
        if isinstance(place, LabelledPaths):
            check_table(root, place, problem.names)
    fractions = source.splits
    present = {split for split, _ in parts}
    if "" in present:
        fractions = replace(fractions, test=0.0 if TEST in present else fractions.test)
        if not fractions.eval:
            raise BadInputError(
                f"{root}: there is nothing to evaluate on. Name a folder with --set "
                "source.eval=…, or hold out a fraction of train with --set source.splits.eval=0.2."
            )
    return FolderReader(
        root=root,
        problem=problem,
        parts=tuple(parts),
        strangers=strangers,
        hash_split=fractions,
        zero_padded=source.zero_padded,
        skip=source.skip,
    )


def split_parts(
    root: str, source: ImageFolders
) -> tuple[list[tuple[str, str | LabelledPaths]], tuple[str, ...]]:
    """Returns (split, place) of every split, and the folders that belong to none.

    Raises:
      BadInputError: If a place that the source names does not exist.
    """
    if not storage.is_folder(root):
        raise BadInputError(f"{root} is not a folder. {_EXPECTED}")
    parts: list[tuple[str, str | LabelledPaths]] = []
    strangers: tuple[str, ...] = ()
    if source.train or source.eval or source.test or source.unlabelled:
        named = (
            (TRAIN if source.eval else "", source.train),
            (EVAL, source.eval),
            (TEST, source.test),
            (UNLABELLED, source.unlabelled),
        )
        parts = [(split, place) for split, place in named if place or place == source.train]
        parts = [p for i, p in enumerate(parts) if i == 0 or p[1]]
    else:
        below = storage.subfolders(root)
        pairs = [(ALIASES[n.lower()], n) for n in below if n.lower() in ALIASES]
        if TRAIN not in {split for split, _ in pairs}:
            pairs = [("", "")]
        else:
            strangers = tuple(n for n in below if n.lower() not in ALIASES)
            held_out = EVAL in {split for split, _ in pairs}
            pairs = [(s if s != TRAIN or held_out else "", n) for s, n in pairs]
            pairs = [(UNLABELLED if s == TEST and _is_flat(root, n) else s, n) for s, n in pairs]
        parts = list(pairs)
    for split, place in parts:
        if isinstance(place, LabelledPaths):
            check_table(root, place, key=f"source.{split}")
        elif not storage.is_folder(storage.join(root, place)):
            raise BadInputError(
                f"{posixpath.join(root, place)} does not exist or is not a folder. {_EXPECTED}"
            )
    if not any(isinstance(p, str) and storage.subfolders(storage.join(root, p)) for _, p in parts):
        raise BadInputError(f"{root} contains no class folders. {_EXPECTED}")
    return parts, strangers


def _is_flat(root: str, folder: str) -> bool:
    """Says whether a test folder holds images without class folders, as in competitions."""
    return not storage.subfolders(storage.join(root, folder))
