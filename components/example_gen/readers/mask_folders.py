"""Reader of images and masks in parallel folders."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from components.example_gen.readers import storage
from components.example_gen.readers.items import EVAL, TEST, TRAIN, Item, Rejected, split_names
from components.example_gen.readers.path_table import ImageFileReader
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.sources import HashSplit, ImagesAndMasks


@dataclass(frozen=True, kw_only=True)
class MaskFolderReader(ImageFileReader):
    """Reads images with masks of the same name, with or without a suffix.

    Attributes:
      parts: (split, image folder, mask folder), relative to the root; split "" where content
        decides.
      suffix: See `ImagesAndMasks`.
    """

    parts: tuple[tuple[str, str, str], ...]
    hash_split: HashSplit
    suffix: str

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits given by folders, or else by the hash."""
        hashed = {TEST} if self.hash_split.test else set()
        return split_names({split for split, _, _ in self.parts} | hashed)

    def places(self) -> list[str]:
        """All folders."""
        return [storage.join(self.root, f) for _, *folders in self.parts for f in folders]

    def items(self) -> Iterator[Item | Rejected]:
        """Lists the images; an image without a mask and a mask without an image are rejected."""
        for split, images, masks in self.parts:
            unused: dict[str, str] = {}
            for entry in storage.files(storage.join(self.root, masks)):
                relative = storage.join(masks, entry.relative)
                if entry.problem:
                    name = storage.printable(relative)
                    yield Rejected(id=name, split=split, reason=entry.problem)
                else:
                    unused[posixpath.splitext(entry.relative)[0]] = relative
            used = set()
            for entry in storage.files(storage.join(self.root, images)):
                relative = storage.join(images, entry.relative)
                name = storage.printable(relative)
                image = posixpath.splitext(entry.relative)[0]
                stem = image if image in unused else image + self.suffix
                mask = unused.get(stem)
                used.add(stem)
                if entry.problem or mask is None:
                    reason = entry.problem or f"has no mask {masks}/{storage.printable(stem)}.png"
                    yield Rejected(id=name, split=split, reason=reason)
                    continue
                yield Item(
                    key=name,
                    id=name,
                    path=storage.join(self.root, relative),
                    split=split,
                    mask=storage.join(self.root, mask),
                )
            for stem in sorted(unused.keys() - used):
                name = storage.printable(unused[stem])
                yield Rejected(id=name, split=split, reason=f"mask without an image in {images}/")


def mask_folder_reader(root: str, source: ImagesAndMasks, problem: Problem) -> MaskFolderReader:
    """Returns the reader of an `ImagesAndMasks`.

    The folders of `test` may be missing; a training or evaluation folder may not.

    Raises:
      BadInputError: If they are.
    """
    fractions = source.splits
    parts = [(TRAIN, *source.train)]
    if any(source.eval):
        parts.append((EVAL, *source.eval))
    else:
        parts = [("", *source.train)]
    if any(source.test) and any(storage.exists(storage.join(root, f)) for f in source.test):
        parts.append((TEST, *source.test))
        fractions = replace(fractions, test=0.0)
    for split, *folders in parts:
        for folder in folders:
            if not folder or not storage.is_folder(storage.join(root, folder)):
                raise BadInputError(
                    f"{storage.join(root, folder)} is not a folder. Expected, for split "
                    f"{split or TRAIN}, images in {folders[0]}/ and masks of the same names in "
                    f"{folders[1]}/ under the data root; --set "
                    f"source.{split or TRAIN}=\"('images','masks')\" names other folders"
                    + (", and \"('','')\" takes a fraction of train." if split == EVAL else ".")
                )
    return MaskFolderReader(
        root=root, problem=problem, parts=tuple(parts), hash_split=fractions, suffix=source.suffix
    )
