"""Reader of images whose splits are written in list files, as Food-101 is published."""

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from components.example_gen.readers import storage
from components.example_gen.readers.items import EVAL, TEST, TRAIN, Item, Rejected, split_names
from components.example_gen.readers.path_table import ImageFileReader
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import LabelError, Problem
from trainer_modules.engine.task.sources import HashSplit, ImageLists

_TWINS = {".txt": ".json", ".json": ".txt"}


@dataclass(frozen=True, kw_only=True)
class ListReader(ImageFileReader):
    """Reads the images that the lists name.

    Attributes:
      source: The layout.
      lists: (split, list file relative to the root).
    """

    source: ImageLists
    lists: tuple[tuple[str, str], ...]

    hash_split = HashSplit(eval=0.0)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have a list."""
        return split_names({split for split, _ in self.lists})

    def places(self) -> list[str]:
        """The lists and the folder of the images."""
        files = [storage.join(self.root, name) for _, name in self.lists]
        return [*files, storage.join(self.root, self.source.folder)]

    def items(self) -> Iterator[Item | Rejected]:
        """Yields the entries of the list files, then the images that no list contains."""
        folder = storage.join(self.root, self.source.folder)
        there = {e.relative: e.problem for e in storage.files(folder)}
        named: dict[str, str] = {}
        for split, file in self.lists:
            for place, entry in _entries(self.root, file):
                relative = entry + self.source.extension
                identifier = storage.printable(storage.join(self.source.folder, relative))
                if relative in named:
                    reason = f"{place}: listed a second time; first listed in {named[relative]}"
                    yield Rejected(id=f"{identifier} ({place})", split=split, reason=reason)
                    continue
                named[relative] = place
                wrong = there.get(relative, "there is no such file")
                label = ""
                try:
                    label = self.problem.label_text((storage.printable(entry.split("/")[0]),))
                except LabelError as error:
                    wrong = wrong or str(error)
                if wrong:
                    yield Rejected(id=identifier, split=split, reason=f"{place}: {wrong}")
                    continue
                path = storage.join(folder, relative)
                yield Item(key=identifier, id=identifier, path=path, split=split, label=label)
        files = ", ".join(name for _, name in self.lists)
        for relative in there:
            if relative not in named and relative.lower().endswith(formats.ENDINGS):
                identifier = storage.printable(storage.join(self.source.folder, relative))
                yield Rejected(id=identifier, split="", reason=f"not listed in any of {files}")


def image_list_reader(root: str, source: ImageLists, problem: Problem) -> ListReader:
    """Returns the reader of an `ImageLists`; `.txt` and `.json` lists are interchangeable.

    Raises:
      BadInputError: If a list or the folder of the images does not exist.
    """
    lists = []
    for split, name in ((TRAIN, source.train), (EVAL, source.eval), (TEST, source.test)):
        if name:
            lists.append((split, _found(root, name, source)))
    folder = storage.join(root, source.folder)
    if not storage.is_folder(folder):
        raise BadInputError(f"{folder} does not exist or is not a folder. {_expected(source)}")
    return ListReader(root=root, problem=problem, source=source, lists=tuple(lists))


def _found(root: str, name: str, source: ImageLists) -> str:
    stem, ending = posixpath.splitext(name)
    for candidate in (name, stem + _TWINS.get(ending, ending)):
        if storage.exists(storage.join(root, candidate)):
            return candidate
    hint = ""
    for below in storage.subfolders(root) if storage.is_folder(root) else ():
        if storage.exists(storage.join(root, below, name)):
            hint = f" Did you mean --data {storage.join(root, below)}?"
    raise BadInputError(f"{storage.join(root, name)} does not exist. {_expected(source)}{hint}")


def _expected(source: ImageLists) -> str:
    image = storage.join(source.folder, f"<class>/<name>{source.extension}")
    return (
        f"Expected images as <data>/{image}, and lists of them ({source.train}, {source.eval}) "
        "with a line <class>/<name> for each."
    )


def _entries(root: str, file: str) -> Iterator[tuple[str, str]]:
    """Yields (place, entry) of a list: lines of text, or JSON of class → entries."""
    path = storage.join(root, file)
    text = storage.read(path).decode("utf-8-sig", "replace")
    if not file.endswith(".json"):
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield f"{file}:{number}", line.strip()
        return
    try:
        by_class = json.loads(text)
        for entries in by_class.values():
            for entry in entries:
                yield file, str(entry)
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInputError(
            f"{path} must be a JSON object of class names and lists of <class>/<name>: {error}"
        ) from error
