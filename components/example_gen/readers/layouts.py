"""Maps each kind of source to its reader."""

from collections.abc import Callable
from typing import Any

from components.example_gen.readers.folders import folder_reader
from components.example_gen.readers.image_files import image_files_reader
from components.example_gen.readers.image_lists import image_list_reader
from components.example_gen.readers.items import Reader
from components.example_gen.readers.mask_folders import mask_folder_reader
from components.example_gen.readers.path_table import path_table_reader
from components.example_gen.readers.shards import shard_reader
from components.example_gen.readers.tables import table_reader
from components.example_gen.readers.tfds import tfds_reader
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.sources import (
    ImageFiles,
    ImageFolders,
    ImageLists,
    ImagesAndMasks,
    PathTable,
    Source,
    Table,
    TensorFlowDatasets,
    TFRecords,
)

_READERS: dict[type, Callable[[str, Any, Problem], Reader]] = {
    ImageFolders: lambda root, source, problem: folder_reader(root, source, problem),
    ImageLists: lambda root, source, problem: image_list_reader(root, source, problem),
    ImageFiles: lambda root, source, problem: image_files_reader(root, source, problem),
    PathTable: lambda root, source, problem: path_table_reader(root, source, problem),
    TFRecords: lambda root, source, problem: shard_reader(root, source, problem),
    TensorFlowDatasets: lambda root, source, problem: tfds_reader(root, source, problem),
    ImagesAndMasks: lambda root, source, problem: mask_folder_reader(root, source, problem),
}


def reader_for(
    root: str, source: Source, problem: Problem, columns: tuple[str, ...] = ()
) -> Reader:
    """Returns the reader of a layout.

    Args:
      root: The data root.
      source: The layout; a `Bundled` must have become its stored form (`bundled.resolve`).
      problem: What is learnt.
      columns: Columns of a table that it is learnt from; () where it is learnt from images.

    Raises:
      BadInputError: If the data does not exist or does not have this layout.
    """
    if not root or not _exists(root):
        raise BadInputError(f"The data folder {root or '(none)'} does not exist. Check --data.")
    if isinstance(source, Table):
        return table_reader(root, source, _columns(problem, columns), problem)
    make = _READERS.get(type(source))
    if make is None:
        raise ValueError(
            f"source must be one of {', '.join(t.__name__ for t in (*_READERS, Table))}. "
            f"Received: {type(source).__name__}"
        )
    if columns:
        raise BadInputError(
            f"{type(source).__name__} holds images, so the task's input must be Images(…). "
            f"Received: Columns(…) with {', '.join(columns)}"
        )
    return make(root, source, problem)


def _exists(root: str) -> bool:
    from components.example_gen.readers import storage

    # Buckets have no folders: missing data is noticed when no files are found.
    return storage.is_remote(root) or storage.exists(root)


def _columns(problem: Problem, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the columns to read from a table, the label's last.

    Raises:
      BadInputError: If the task takes images.
    """
    if not columns:
        raise BadInputError(
            "A Table has rows of numbers, so the task's input must be Columns(…) that names them. "
            "Received: Images(…)"
        )
    return (*columns, problem.raw_label)
