"""Where a run's data lies: what has to be looked at again to tell that nothing has changed."""

import os
import re
from collections.abc import Iterator

from components.example_gen import places
from components.example_gen.readers import storage
from components.example_gen.readers.items import Item, Reader
from components.example_gen.root import has_span, spans_of
from pipelines.config import RunConfig
from pipelines.local.listing import Watched
from trainer_modules.engine.task.sources import PathTable, Source, Table
from trainer_modules.engine.task.task import Task

_PLACEHOLDER = re.compile(r"\{[^}]*\}")


def of(task: Task, config: RunConfig, data: str, source: Source) -> Watched | None:
    """Returns where the data of a run lies: what ImageExampleGen's driver looks at, and more.

    Of spans, those in the window are listed, and of all others the names: a new or a late one, or
    a new version, changes the window. What happens inside the others does not, because no run
    reads them.

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
    if any(map(storage.is_remote, (data, config.evaluate))):
        return None
    base, spans = spans_of(data, config.window)
    read = places.find(
        base, spans, source, task.problem, task.input.columns, evaluate=config.evaluate
    )
    given = config.data
    own_file = given is not None and os.path.isfile(os.path.expanduser(given))
    watched = [path for place in read for path in place.reader.places()]
    if not (own_file and isinstance(source, Table | PathTable)):
        # The whole root: a folder that appears beside those of the layout may change the layout.
        watched += [storage.join(base, span.folder) for span in spans]
    if config.evaluate not in (places.NEWEST, places.WINDOW):
        watched.append(os.path.abspath(config.evaluate))
    if not has_span(data) and given is not None:
        # Files of a Keras data set, for example, of which `data` is a copy.
        watched.append(os.path.abspath(os.path.expanduser(given)))
    for place in read:
        watched += _outside(place.reader, source, watched)
    if any(map(storage.is_remote, watched)):
        return None
    patterns = (_PLACEHOLDER.sub("*", data),) if has_span(data) else ()
    return Watched(patterns, tuple(_topmost(watched)))


def _outside(reader: Reader, source: Source, watched: list[str]) -> Iterator[str]:
    """Yields the files that a table names and that lie in none of the places."""
    if not (isinstance(source, PathTable) or any(map(os.path.isfile, watched))):
        return
    inside = tuple(f"{os.path.normpath(place)}{os.sep}" for place in watched)
    for item in reader.items():
        if isinstance(item, Item):
            for path in filter(None, (item.path, item.mask)):
                if not os.path.normpath(path).startswith(inside):
                    yield path


def _topmost(watched: list[str]) -> list[str]:
    """Returns the places without those that lie in another."""
    whole: list[str] = []
    for place in sorted({os.path.normpath(place) for place in watched}):
        if not whole or not place.startswith(f"{whole[-1]}{os.sep}"):
            whole.append(place)
    return whole
