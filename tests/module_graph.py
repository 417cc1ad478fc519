"""The project's modules and what each imports, read from the source code."""

import ast
from collections.abc import Container, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYERS = {"trainer_modules": 0, "schemas": 0, "components": 1, "pipelines": 2}


def _module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _own_imports(text: str, modules: Container[str], package: str = "") -> set[str]:
    """Returns the project's modules that `text` imports, wherever the import stands.

    An import inside a function counts, and one below `TYPE_CHECKING` too: it keeps a program from
    stopping at a circle, but two modules that name each other's types are still one piece.

    Args:
      text: The source code.
      modules: The names of all the project's modules.
      package: The package that relative imports start from.
    """
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names if alias.name in modules}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            origin = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            members = {f"{origin}.{alias.name}" for alias in node.names}
            imported |= {name for name in members if name in modules}
            if origin in modules and not all(name in modules for name in members):
                imported.add(origin)
    return imported


def module_graph(root: Path) -> dict[str, set[str]]:
    """Returns each module's imports from the project; a package is its `__init__`."""
    files = {
        _module_name(p, root): p for layer in LAYERS for p in sorted((root / layer).rglob("*.py"))
    }
    packages = {
        name: name if path.name == "__init__.py" else name.rpartition(".")[0]
        for name, path in files.items()
    }
    return {
        name: _own_imports(path.read_text(encoding="utf-8"), files, packages[name])
        for name, path in sorted(files.items())
    }


def check_no_cycle(graph: Mapping[str, set[str]]) -> None:
    """Raises AssertionError with the names of a cycle, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib's graph leads from a module to what it needs, its cycle the other way.
        raise AssertionError(" → ".join(reversed(error.args[1]))) from None
