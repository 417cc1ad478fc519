"""Finds the project's files that a piece of code reaches by import, without importing them.

The result is part of a step's cache key, so no list of modules is maintained by hand. Imports
inside functions count. An import used only by annotations does not: the values come from elsewhere,
and the code that creates them is reached there.

A task carries its problem through every step, but each step asks it few things. So what a method of
a problem imports counts only where some reached code mentions the method's name.
"""

import ast
import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer_modules.engine import syntax

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("trainer_modules", "components", "pipelines", "schemas")
_PROBLEMS = "trainer_modules.engine.problems"


@dataclass(frozen=True)
class _Import:
    """The target of a name: a module, or (with `name`) an object inside one."""

    module: str
    name: str = ""


@dataclass(frozen=True)
class _Followed:
    """What follows from one name of a module.

    Attributes:
      counted: Whether the module is part of the result.
      uses: The imports that the name's code uses.
      source: The import that the name comes from, where the module itself does not define it; or,
        with `made`, the function that returns it.
      made: The name of what that function returns.
      asks: The names of attributes that the code mentions.
      methods: Methods of problems with what follows from each, if some reached code asks for it.
    """

    counted: bool
    uses: tuple[_Import, ...] = ()
    source: _Import | None = None
    made: str = ""
    asks: frozenset[str] = frozenset()
    methods: tuple[tuple[str, "_Followed"], ...] = ()


def reached(starts: Iterable[str], root: Path = ROOT) -> dict[str, Path]:
    """Returns the files that `starts` reach: path relative to `root`, sorted → file.

    Args:
      starts: Modules, or `module:name` for one class or function: then only the names that it uses
        are followed. A module that only re-exports the name, as a task's file does with its
        `run_fn`, is followed but not counted.
      root: The folder that holds the packages.

    Returns:
      Python files, those of the packages around them included, and the data files and template
      folders that they name.

    Raises:
      ModuleNotFoundError: If a start is no module below `root`.
      AttributeError: If a module has no such class or function.
    """
    files: dict[str, Path] = {}
    waiting = [_Import(*start.split(":")) for start in starts]
    seen: set[_Import] = set()
    asked: set[str] = set()
    unasked: list[tuple[str, _Followed]] = []
    while waiting:
        target = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        if _file(root, target.module) is None:
            raise ModuleNotFoundError(f"no module {target.module!r} below {root}")
        module = _module(root, target.module)
        followed = module.followed(target.name)
        asked |= followed.asks
        unasked += followed.methods
        uses = list(followed.uses)
        while methods := [method for name, method in unasked if name in asked]:
            unasked = [entry for entry in unasked if entry[0] not in asked]
            asked |= frozenset().union(*(method.asks for method in methods))
            uses += [use for method in methods for use in method.uses]
        waiting += [end for use in uses for end in _ends(root, use)]
        if followed.source:
            origin = _origin(root, followed.source)
            waiting.append(_Import(origin.module, followed.made or origin.name))
        if followed.counted:
            files |= {path.relative_to(root).as_posix(): path for path in module.files}
    return dict(sorted(files.items()))


def used_by(text: str, root: Path = ROOT) -> set[str]:
    """Returns the project's modules that code from outside it uses, as starts for `reached`."""
    tree = syntax.parsed(text)
    bound = _imports(root, "", tree)
    names = syntax.used(tree) | {name for name in bound if "." in name}
    return {end.module for name in names & set(bound) for end in _ends(root, bound[name])}


def is_own(start: str) -> bool:
    """Says whether a module, or `module:name`, lies in one of the project's packages."""
    return start.partition(":")[0].partition(".")[0] in _PACKAGES


def modules_of(*values: Any) -> set[str]:
    """Returns the modules that define the dataclasses in `values`: reading them needs those."""
    modules: set[str] = set()
    for value in values:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            modules.add(type(value).__module__)
            modules |= modules_of(*(getattr(value, f.name) for f in dataclasses.fields(value)))
        elif isinstance(value, list | tuple):
            modules |= modules_of(*value)
        elif isinstance(value, dict):
            modules |= modules_of(*value.values())
    return modules


def _module(root: Path, name: str) -> "_Module":
    path = _file(root, name) or Path()
    return _looked_at(root, name, path, path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=1024)
def _looked_at(root: Path, name: str, path: Path, text: str) -> "_Module":
    return _Module(root, name, path, text)


class _Module:
    """One module as text."""

    def __init__(self, root: Path, name: str, path: Path, text: str) -> None:
        self._root, self._name, self._path = root, name, path
        self._tree = syntax.parsed(text)
        self.files = [*self._packages(), path, *self._data()]
        self.bound = _imports(root, name, self._tree)
        self.only_reexports = syntax.only_reexports(self._tree)
        self._found: dict[str, _Followed] = {}

    def followed(self, name: str) -> _Followed:
        """Returns whether the module counts, and where its imports lead.

        Args:
          name: The class or function to start from; "" for the whole module.
        """
        if name not in self._found:
            self._found[name] = self._follow(name)
        return self._found[name]

    def _follow(self, name: str) -> _Followed:
        if not name:
            rest, methods = syntax.without_methods(self._tree, self._is_problem)
            asked = tuple(
                (method.name, _Followed(True, self._leads(method), asks=syntax.attributes(method)))
                for method in methods
            )
            asks = syntax.attributes(rest)
            return _Followed(True, self._leads(rest), asks=asks, methods=asked)
        definitions = [
            node
            for node in ast.walk(self._tree)
            if isinstance(node, syntax.Function | ast.ClassDef) and node.name == name
        ]
        if definitions:
            parts = self._parts_of(definitions)
            leads = tuple(lead for part in parts for lead in self._leads(part))
            asks = frozenset().union(*(syntax.attributes(part) for part in parts))
            return _Followed(True, leads, asks=asks)
        for node in self._tree.body:
            # `preprocessing_fn, run_fn = entry_points(TASK)`
            if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
                continue
            maker = self.bound.get(next(iter(syntax.names(node.value.func)), ""))
            if maker and any(name in syntax.names(target) for target in node.targets):
                return _Followed(False, source=maker, made=name)
        if name in self.bound:
            return _Followed(False, source=self.bound[name])
        raise AttributeError(f"module {self._name!r} has no {name!r} to start from")

    def _is_problem(self, node: ast.ClassDef) -> bool:
        """Says whether a class is a kind of problem: whether it extends one, or their contract."""
        bases = [self.bound.get(base.id) for base in node.bases if isinstance(base, ast.Name)]
        return any(base.module.startswith(_PROBLEMS) for base in bases if base)

    def _packages(self) -> Iterator[Path]:
        """Yields the `__init__.py` of each package around the module."""
        for folder in self._path.parents:
            if folder == self._root:
                return
            if (folder / "__init__.py").exists():
                yield folder / "__init__.py"

    def _data(self) -> Iterator[Path]:
        """Yields the files, and those in folders, that the module names and that lie near it."""
        texts = {
            node.value
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        top = self._root / self._name.partition(".")[0]
        near = [p for p in self._path.parents if p == top or top in p.parents]
        for folder in near:
            there = {entry.name: Path(entry.path) for entry in os.scandir(folder)}
            for path in (there[text] for text in sorted(texts & set(there))):
                if path.is_file() and path.suffix != ".py":
                    yield path
                elif path.is_dir() and not (path / "__init__.py").exists():
                    yield from (p for p in sorted(path.rglob("*")) if _is_data(p))

    def _parts_of(self, definitions: list[Any]) -> list[ast.AST]:
        """Returns the definitions, and what they use of their own module, and so on."""
        own = {name: node for node in self._tree.body for name in syntax.defined(node)}
        parts, names = list(definitions), set().union(*(syntax.used(d) for d in definitions))
        taken: set[str] = set()
        while new := (names & set(own)) - taken:
            taken |= new
            parts += [own[name] for name in new]
            names |= set().union(*(syntax.used(own[name]) for name in new))
        return parts

    def _leads(self, part: ast.AST) -> tuple[_Import, ...]:
        # `import a.b` binds `a`, as `import a.c` does: both count as used.
        dotted = {name for name in self.bound if "." in name}
        used = syntax.used(part) | syntax.reexported(part) | dotted
        return tuple(self.bound[name] for name in sorted(used & set(self.bound)))


def _ends(root: Path, lead: _Import) -> Iterator[_Import]:
    """Yields the module that an import names, and the one that a name in it comes from.

    A module that only hands names on, as `trainer_modules/api.py`, is passed through: whoever takes
    one name from it does not depend on the others.
    """
    module = _module(root, lead.module)
    again = module.bound.get(lead.name)
    if not (again and module.only_reexports):
        yield _Import(lead.module)
    if again:
        yield from _ends(root, again)


def _origin(root: Path, lead: _Import) -> _Import:
    """Returns the import of a name from the module that defines it, however often handed on."""
    again = _module(root, lead.module).bound.get(lead.name)
    return _origin(root, again) if again else lead


def _imports(root: Path, name: str, tree: ast.AST) -> dict[str, _Import]:
    bound: dict[str, _Import] = {}
    package = name if _file(root, name, "") else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _file(root, alias.name):
                    bound[alias.asname or alias.name] = _Import(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
            source = ".".join(filter(None, [base if node.level else "", node.module or ""]))
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                if _file(root, inner):
                    bound[alias.asname or alias.name] = _Import(inner)
                elif _file(root, source):
                    bound[alias.asname or alias.name] = _Import(source, alias.name)
    return bound


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".py", ".pyc")


def _file(root: Path, name: str, plain: str = ".py") -> Path | None:
    """Returns a module's file; with `plain=""` only that of a package."""
    if not is_own(name):
        return None
    folder = root.joinpath(*name.split("."))
    file = folder.with_name(folder.name + ".py")
    if plain and file.is_file():
        return file
    return folder / "__init__.py" if (folder / "__init__.py").is_file() else None
