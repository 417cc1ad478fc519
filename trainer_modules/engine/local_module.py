"""Imports a Python file from anywhere, together with the modules that lie beside it."""

import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


@contextlib.contextmanager
def imported(path: Path) -> Iterator[ModuleType]:
    """Imports a file; inside the block, it can import the modules beside it by their plain names.

    Two files of one name in different folders stay apart, and so do their neighbours: afterwards
    nothing of either can be imported by name. Nothing is written beside the file.

    Args:
      path: The file.

    Raises:
      Exception: Whatever the file raises.
    """
    # A link to a file lies where the link is, with the neighbours that it has there.
    folder = path.absolute().parent.resolve()
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    name = f"_task_file_{path.stem}_{mark}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader, path
    module = importlib.util.module_from_spec(spec)
    writes, before = sys.dont_write_bytecode, set(sys.modules)
    # Last on the path: a neighbour can never replace a module that the pipeline needs.
    sys.path.append(str(folder))
    sys.dont_write_bytecode = True
    sys.modules[name] = module
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.dont_write_bytecode = writes
        # The last one is ours: the folder may also have been on the path before.
        del sys.path[len(sys.path) - 1 - sys.path[::-1].index(str(folder))]
        imported_now = {n: m for n, m in sys.modules.items() if n not in before}
        for other in [n for n, m in imported_now.items() if _lies_in(folder, m)]:
            del sys.modules[other]


def _lies_in(folder: Path, module: ModuleType | None) -> bool:
    # A module may answer anything for `__file__` or `__path__`; its spec says where it is from.
    spec = getattr(module, "__spec__", None)
    if not isinstance(spec, ModuleSpec):
        return False
    # A folder without `__init__.py` is a package too: it has places, and no file.
    file = [spec.origin] if spec.has_location and spec.origin else []
    places = [*file, *(spec.submodule_search_locations or ())]
    above = [Path(place).absolute().parent.resolve() for place in places]
    return any(folder in (place, *place.parents) for place in above)
