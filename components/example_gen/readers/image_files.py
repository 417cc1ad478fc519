"""Reader of images without labels, in any folders."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.example_gen.readers import storage
from components.example_gen.readers.items import UNLABELLED, Item, Rejected
from components.example_gen.readers.path_table import ImageFileReader
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.sources import HashSplit, ImageFiles


@dataclass(frozen=True, kw_only=True)
class UnlabelledReader(ImageFileReader):
    """Reads every file below a folder that has the ending of an image."""

    folder: str

    @property
    def splits(self) -> tuple[str, ...]:
        """No train or eval split: there are no labels to learn from."""
        return (UNLABELLED,)

    @property
    def hash_split(self) -> HashSplit:
        """Never used: every item names its split."""
        return HashSplit()

    def places(self) -> list[str]:
        """The one folder."""
        return [storage.join(self.root, self.folder)]

    def items(self) -> Iterator[Item | Rejected]:
        """Lists the images."""
        for entry in storage.files(storage.join(self.root, self.folder)):
            relative = storage.join(self.folder, entry.relative)
            name = storage.printable(relative)
            if entry.problem:
                yield Rejected(id=name, split=UNLABELLED, reason=entry.problem)
            elif relative.lower().endswith(formats.ENDINGS):
                path = storage.join(self.root, relative)
                yield Item(key=name, id=name, path=path, split=UNLABELLED)


def image_files_reader(root: str, source: ImageFiles, problem: Problem) -> UnlabelledReader:
    """Returns the reader of an `ImageFiles`.

    Raises:
      BadInputError: If the folder does not exist.
    """
    folder = storage.join(root, source.folder)
    if not storage.is_folder(folder):
        raise BadInputError(f"{folder} is not a folder. Name a folder of images with --data.")
    return UnlabelledReader(root=root, problem=problem, folder=source.folder)
