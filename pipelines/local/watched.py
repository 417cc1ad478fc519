"""Where a run's data lies: what has to be looked at again to tell that nothing has changed."""

import os
import re
from collections.abc import Iterator

from components.example_gen.readers import storage
from components.example_gen.readers.items import Item, Reader
from components.example_gen.readers.layouts import reader_for
from components.example_gen.root import has_span, latest_root
from pipelines.config import RunConfig
from pipelines.local.listing import Watched
from trainer_modules.engine.task.sources import PathTable, Source, Table
from trainer_modules.engine.task.task import Task

_NEWEST = "newest"
_PLACEHOLDER = re.compile(r"\{[^}]*\}")


def of(task: Task, config: RunConfig, data: str, source: Source) -> Watched | None:
    """Returns where the data of a run lies.

    Args:
      task: The task, its classes known.
      config: The run's.
      data: The data root, as `ingest.prepare` returns it; "" for no data.
      source: The layout that `data` has.

    Returns:
      None if some of it is on another machine, where looking takes longer than a run that finds
      everything in the cache saves.
    """
    if not data:
        return Watched()
    if storage.is_remote(data):
        return None
    given, root = config.data, latest_root(data)
    reader = reader_for(root, source, task.problem, task.input.columns)
    places = [*reader.places()]
    own_file = given is not None and os.path.isfile(os.path.expanduser(given))
    if not (own_file and isinstance(source, Table | PathTable)):
        # The whole root: a folder that appears beside those of the layout may change the layout.
        places.append(root)
    spans = []
    if has_span(data):
        spans.append(_PLACEHOLDER.sub("*", data))
        if getattr(config, "window", _NEWEST) != _NEWEST:
            # Whatever lies beside the spans is few; their old files are many, but may change.
            places.append(data.partition("{")[0].rpartition("/")[0] or "/")
    elif given is not None:
        # Files of a Keras data set, for example, of which `data` is a copy.
        places.append(storage.join(os.path.abspath(os.path.expanduser(given))))
    fixed = getattr(config, "evaluate", "")
    if os.path.exists(fixed):
        places.append(os.path.abspath(fixed))
    places += _outside(reader, source, places)
    if any(map(storage.is_remote, [*places, fixed])):
        return None
    return Watched(tuple(spans), tuple(_topmost(places)))


def _outside(reader: Reader, source: Source, places: list[str]) -> Iterator[str]:
    """Yields the files that a table names and that lie in none of the places."""
    if not (isinstance(source, PathTable) or any(map(os.path.isfile, places))):
        return
    inside = tuple(f"{os.path.normpath(place)}{os.sep}" for place in places)
    for item in reader.items():
        if isinstance(item, Item):
            for path in filter(None, (item.path, item.mask)):
                if not os.path.normpath(path).startswith(inside):
                    yield path


def _topmost(places: list[str]) -> list[str]:
    """Returns the places without those that lie in another."""
    whole: list[str] = []
    for place in sorted({os.path.normpath(place) for place in places}):
        if not whole or not place.startswith(f"{whole[-1]}{os.sep}"):
            whole.append(place)
    return whole
